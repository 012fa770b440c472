#include "scip_api.h"

#include <dlfcn.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#else
#include <link.h>
#endif

#include <map>
#include <vector>

namespace kida::scip {

#define KIDA_DEFINE(result, name, arguments) result(*name) arguments = nullptr;
KIDA_SCIP_FUNCTIONS(KIDA_DEFINE)
#undef KIDA_DEFINE

Constants constants{};

namespace {
bool is_connected = false;

template <typename Function>
void resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) {
    throw std::runtime_error(std::string("the SCIP library that is loaded has no function ") +
                             name);
  }
}

void resolve_all(void* library, int major_versions_min, int major_versions_max,
                 const std::string& who) {
  resolve(library, "SCIPmajorVersion", SCIPmajorVersion);
  const int major = SCIPmajorVersion();
  if (major < major_versions_min || major > major_versions_max) {
    const auto last = major_versions_max > major_versions_min
                          ? " to " + std::to_string(major_versions_max)
                          : std::string();
    throw std::runtime_error("this kida supports SCIP " + std::to_string(major_versions_min) +
                             last + ", but " + who + " SCIP " + std::to_string(major));
  }
#define KIDA_RESOLVE(result, name, arguments) resolve(library, #name, name);
  KIDA_SCIP_FUNCTIONS(KIDA_RESOLVE)
#undef KIDA_RESOLVE
}

// The libraries of this process, by path; the program itself is "".
std::vector<std::string> loaded_libraries() {
  std::vector<std::string> paths{""};
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
  return paths;
}

}  // namespace

bool connected() { return is_connected; }

void connect(const std::string& path, const Constants& values, int major_versions_min,
             int major_versions_max) {
  // RTLD_NOLOAD: never bring in a second SCIP; dlsym on the handle also searches the dependencies,
  // which is where libscip is.
  void* library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) {
    throw std::runtime_error("PySCIPOpt's extension module is not loaded from " + path);
  }
  resolve_all(library, major_versions_min, major_versions_max, "PySCIPOpt brings");
  constants = values;
  is_connected = true;
}

void connect_to_loaded() {
  // Languages load libraries without making their names global, so each is looked into. Several
  // handles may lead to one SCIP: those of the libraries that depend on it.
  std::map<void*, void*> handles;  // by the address of a function
  for (const std::string& path : loaded_libraries()) {
    void* library = dlopen(path.empty() ? nullptr : path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    void* function = dlsym(library, "SCIPincludeBranchruleBasic");
    // What is kept open stays: its functions are used from now on.
    if (function == nullptr || !handles.emplace(function, library).second) dlclose(library);
  }
  if (handles.size() != 1) {
    throw std::runtime_error(
        handles.empty() ? "no SCIP library is loaded whose functions can be found: link to SCIP's "
                          "shared library, not to the static one"
                        : std::to_string(handles.size()) +
                              " different SCIP libraries are loaded, and it cannot be told which "
                              "one this SCIP is of: load one only");
  }
  if (is_connected) {  // other threads may be calling them: nothing is written a second time
    if (reinterpret_cast<void*>(SCIPincludeBranchruleBasic) == handles.begin()->first) return;
    throw std::runtime_error("another SCIP library has been loaded in place of the one in use");
  }
  resolve_all(handles.begin()->second, 10, 10, "the program has loaded");
  constants = Constants{};
  is_connected = true;
}

}  // namespace kida::scip
