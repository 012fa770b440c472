#include "sleeper.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace kida {

#ifdef __linux__

namespace {

// The C library has no name for it before 2.30.
pid_t this_thread() { return static_cast<pid_t>(syscall(SYS_gettid)); }

}  // namespace

void Sleeper::fall_asleep() {
  if (thread_ == 0) thread_ = this_thread();
}

void Sleeper::woken() {
  if (thread_ != this_thread()) return;
  if (bound_) sched_setaffinity(0, sizeof cores_, &cores_);
  bound_ = false;
  thread_ = 0;
}

void Sleeper::bring_here() {
  const int core = sched_getcpu();
  if (thread_ == 0 || bound_ || core < 0 || core >= CPU_SETSIZE) return;
  // Not where somebody has kept it from, nor on machines of more cores than the set has room for.
  if (sched_getaffinity(thread_, sizeof cores_, &cores_) != 0) return;
  if (!CPU_ISSET(core, &cores_) || CPU_COUNT(&cores_) == 1) return;
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(core, &here);
  bound_ = sched_setaffinity(thread_, sizeof here, &here) == 0;
}

#else

void Sleeper::fall_asleep() {}
void Sleeper::woken() {}
void Sleeper::bring_here() {}

#endif

}  // namespace kida
