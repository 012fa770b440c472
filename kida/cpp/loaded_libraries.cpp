#include "loaded_libraries.h"

#if defined(_WIN32)
// clang-format off: the second needs the first's names
#include <windows.h>
#include <psapi.h>
// clang-format on

#include <algorithm>
#include <cstring>
#else
#include <dlfcn.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>

#include <cstdint>
#else
#include <link.h>
#endif
#endif

namespace kida {

#if defined(_WIN32)

namespace {

HMODULE module_of(LibraryHandle library) { return static_cast<HMODULE>(library); }

// The names of the libraries that a loaded one was linked to, as its header tells.
std::vector<const char*> imported_by(LibraryHandle library) {
  const auto* base = static_cast<const char*>(library);
  const auto* dos = reinterpret_cast<const IMAGE_DOS_HEADER*>(base);
  const auto* header = reinterpret_cast<const IMAGE_NT_HEADERS*>(base + dos->e_lfanew);
  const auto& table = header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  std::vector<const char*> names;
  if (table.Size == 0) return names;
  for (const auto* entry =
           reinterpret_cast<const IMAGE_IMPORT_DESCRIPTOR*>(base + table.VirtualAddress);
       entry->Name != 0; ++entry) {
    names.push_back(base + entry->Name);
  }
  return names;
}

void* own_function(HMODULE module, const char* name) {
  // A function's address is no object's: the types are told by copying.
  const auto address = GetProcAddress(module, name);
  void* found = nullptr;
  static_assert(sizeof found == sizeof address);
  std::memcpy(&found, &address, sizeof found);
  return found;
}

std::wstring wide(const std::string& text) {
  const auto length = static_cast<int>(text.size());
  std::wstring found(
      static_cast<std::size_t>(MultiByteToWideChar(CP_UTF8, 0, text.data(), length, nullptr, 0)),
      L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), length, found.data(),
                      static_cast<int>(found.size()));
  return found;
}

}  // namespace

LibraryHandle loaded_library(const std::string& path) {
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN, wide(path).c_str(), &module);
  return module;
}

std::vector<LibraryHandle> loaded_libraries() {
  std::vector<HMODULE> modules(256);
  DWORD needed = 0;
  while (EnumProcessModules(GetCurrentProcess(), modules.data(),
                            static_cast<DWORD>(modules.size() * sizeof(HMODULE)), &needed) != 0 &&
         needed > modules.size() * sizeof(HMODULE)) {
    modules.resize(needed / sizeof(HMODULE));
  }
  modules.resize(std::min(modules.size(), needed / sizeof(HMODULE)));
  std::vector<LibraryHandle> found;
  for (const HMODULE listed : modules) {
    // Kept from being unloaded, unless it has been already.
    HMODULE module = nullptr;
    if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                           reinterpret_cast<const wchar_t*>(listed), &module) != 0) {
      found.push_back(module);
    }
  }
  return found;
}

void let_go(LibraryHandle library) { FreeLibrary(module_of(library)); }

void* find_function(LibraryHandle library, const char* name) {
  if (void* found = own_function(module_of(library), name)) return found;
  for (const char* other : imported_by(library)) {
    HMODULE module = GetModuleHandleA(other);
    if (module == nullptr) continue;
    if (void* found = own_function(module, name)) return found;
  }
  return nullptr;
}

#else

// RTLD_NOLOAD: a second SCIP is never brought in.
LibraryHandle loaded_library(const std::string& path) {
  return dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
}

std::vector<LibraryHandle> loaded_libraries() {
  std::vector<std::string> paths{""};  // the program itself
#if defined(__APPLE__)
  for (std::uint32_t k = 0; k < _dyld_image_count(); ++k) {
    if (const char* name = _dyld_get_image_name(k)) paths.emplace_back(name);
  }
#else
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* found) {
        if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
          static_cast<std::vector<std::string>*>(found)->emplace_back(info->dlpi_name);
        }
        return 0;
      },
      &paths);
#endif
  std::vector<LibraryHandle> found;
  for (const std::string& path : paths) {
    void* library = dlopen(path.empty() ? nullptr : path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library != nullptr) found.push_back(library);
  }
  return found;
}

void let_go(LibraryHandle library) { dlclose(library); }

void* find_function(LibraryHandle library, const char* name) { return dlsym(library, name); }

#endif

}  // namespace kida
