// A thread that SCIP runs in: with a stack for its recursions (the standard library's threads have
// the system's, which can be small), and deaf to signals, where there are some: they are for the
// interpreter's own.
#pragma once

#ifndef _WIN32
#include <pthread.h>
#endif

#include <functional>

namespace kida {

class SolverThread {
 public:
  // False if no thread can be started: too many run already.
  bool start(std::function<void()> work);
  // Once, after it was started.
  void join();
  // Whether the calling thread is this one; not after it was joined.
  bool is_calling() const;

 private:
#ifdef _WIN32
  void* handle_ = nullptr;
  unsigned number_ = 0;
#else
  pthread_t thread_{};
#endif
};

}  // namespace kida
