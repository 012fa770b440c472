// Who a rule belongs to, and is told what SCIP's callbacks, which know only return codes, cannot
// say: Python (pending_exception.h), or a program in C (c_api.cpp).
#pragma once

#include <string>

#include "scip_api.h"

namespace kida {

class RuleHost {
 public:
  virtual ~RuleHost() = default;

  // Tell the user, while the solve goes on.
  virtual void warn(Scip* scip, const char* message) = 0;

  // Keep why the rule has failed. If so, the solve is interrupted, and the host says why
  // afterwards; otherwise SCIP is told by its return code.
  virtual bool keep(const std::string& failure) = 0;

  // Whether a failure is kept that nobody has been told of yet.
  virtual bool waiting() const = 0;
};

}  // namespace kida
