#include "scip_api.h"

#include <map>

#include "loaded_libraries.h"

namespace kida::scip {

#define KIDA_DEFINE(result, name, arguments) result(*name) arguments = nullptr;
KIDA_SCIP_FUNCTIONS(KIDA_DEFINE)
#undef KIDA_DEFINE

Constants constants{};

namespace {
bool is_connected = false;

template <typename Function>
void resolve(LibraryHandle library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(find_function(library, name));
  if (function == nullptr) {
    throw std::runtime_error(std::string("the SCIP library that is loaded has no function ") +
                             name);
  }
}

void resolve_all(LibraryHandle library, int major_versions_min, int major_versions_max,
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

}  // namespace

bool connected() { return is_connected; }

void connect(const std::string& path, const Constants& values, int major_versions_min,
             int major_versions_max) {
  // It is linked to libscip, which is looked into with it.
  LibraryHandle library = loaded_library(path);
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
  std::map<void*, LibraryHandle> handles;  // by the address of a function
  for (LibraryHandle library : loaded_libraries()) {
    void* function = find_function(library, "SCIPincludeBranchruleBasic");
    // What is kept open stays: its functions are used from now on.
    if (function == nullptr || !handles.emplace(function, library).second) let_go(library);
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
