#include "scip_api.h"

#include <dlfcn.h>

namespace kida::scip {

#define KIDA_DEFINE(result, name, arguments) result(*name) arguments = nullptr;
KIDA_SCIP_FUNCTIONS(KIDA_DEFINE)
KIDA_SCIP_OPTIONAL_FUNCTIONS(KIDA_DEFINE)
#undef KIDA_DEFINE

Constants constants{};

namespace {
bool is_connected = false;

template <typename Function>
void resolve(void* library, const char* name, Function& function, bool required) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (required && function == nullptr) {
    throw std::runtime_error(std::string("the SCIP library loaded by PySCIPOpt has no function ") +
                             name);
  }
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
  resolve(library, "SCIPmajorVersion", SCIPmajorVersion, true);
  const int major = SCIPmajorVersion();
  if (major < major_versions_min || major > major_versions_max) {
    throw std::runtime_error("this kida supports SCIP " + std::to_string(major_versions_min) +
                             " to " + std::to_string(major_versions_max) +
                             ", but PySCIPOpt brings SCIP " + std::to_string(major));
  }
#define KIDA_RESOLVE(result, name, arguments) resolve(library, #name, name, true);
  KIDA_SCIP_FUNCTIONS(KIDA_RESOLVE)
#undef KIDA_RESOLVE
#define KIDA_RESOLVE(result, name, arguments) resolve(library, #name, name, false);
  KIDA_SCIP_OPTIONAL_FUNCTIONS(KIDA_RESOLVE)
#undef KIDA_RESOLVE
  constants = values;
  is_connected = true;
}

}  // namespace kida::scip
