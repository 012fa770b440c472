// Carries an exception out of SCIP's callbacks into Python.
//
// SCIP knows only return codes, and PySCIPOpt turns a bad one into a bare "unspecified error". So
// a callback that fails stores its exception here and interrupts the solve. Python raises it,
// once, as soon as it runs again in the frame of the main thread that has called SCIP (right after
// `optimize()`), and not in a Python callback that SCIP calls before it returns, which would lose
// it; in other threads the caller asks for it.
#pragma once

#include <Python.h>

#include <memory>
#include <string>

#include "rule_host.h"

namespace kida {

class PendingException : public RuleHost, public std::enable_shared_from_this<PendingException> {
 public:
  PendingException() = default;
  PendingException(const PendingException&) = delete;
  PendingException& operator=(const PendingException&) = delete;
  ~PendingException() override;

  // Keep `exception` (a new reference is taken; the interpreter lock must be held). Only the first
  // one counts.
  void store(PyObject* exception);

  // As a RuntimeWarning, or what the user's filter makes of it. Takes the interpreter lock itself.
  void warn(Scip* scip, const char* message) override;

  // As a RuntimeError. Takes the interpreter lock itself.
  bool keep(const std::string& failure) override;

  bool waiting() const override { return exception_ != nullptr; }

  // With the interpreter lock held: set Python's error indicator if an exception is waiting, and
  // say whether one was.
  bool raise();

  static void set_main_thread(unsigned long identifier);

 private:
  PyObject* exception_ = nullptr;
};

}  // namespace kida
