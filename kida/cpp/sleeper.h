// A thread that sleeps until another one wakes it, and wakes on that one's core.
//
// Two threads that take turns never work at the same time. Left alone, the system wakes the
// sleeping one on an idle core, which has to be woken itself: in a virtual machine that takes tens
// of microseconds each way, and a few on the core of a waker that is about to sleep. So the waker
// binds the sleeper to its own core before it notifies it, and the sleeper takes the bond off once
// it runs, after which the system may move it as ever. On Linux; elsewhere nothing is done.
#pragma once

#ifdef __linux__
#include <sched.h>
#include <sys/types.h>
#endif

namespace kida {

// All of it under the lock that the two threads share.
class Sleeper {
 public:
  // The sleeper's side, around its wait. Of several that wait, the first one is brought.
  void fall_asleep();
  void woken();
  // The waker's.
  void bring_here();

#ifdef __linux__
 private:
  pid_t thread_ = 0;  // who sleeps; 0 for nobody
  bool bound_ = false;
  cpu_set_t cores_{};  // where it may run, if it is bound
#endif
};

}  // namespace kida
