#include "solver_thread.h"

#include <cstddef>
#include <memory>
#include <utility>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <csignal>
#endif

namespace kida {

namespace {

using Work = std::function<void()>;

constexpr std::size_t stack_bytes = std::size_t{16} << 20;

void do_work(void* argument) {
  const std::unique_ptr<Work> work(static_cast<Work*>(argument));
  (*work)();
}

}  // namespace

#ifdef _WIN32

bool SolverThread::start(Work work) {
  auto owned = std::make_unique<Work>(std::move(work));
  auto begin = [](void* argument) -> unsigned {
    do_work(argument);
    return 0;
  };
  const auto handle = _beginthreadex(nullptr, stack_bytes, begin, owned.get(),
                                     STACK_SIZE_PARAM_IS_A_RESERVATION, &number_);
  if (handle == 0) return false;
  owned.release();
  handle_ = reinterpret_cast<void*>(handle);
  return true;
}

void SolverThread::join() {
  WaitForSingleObject(handle_, INFINITE);
  CloseHandle(handle_);
}

bool SolverThread::is_calling() const { return GetCurrentThreadId() == number_; }

#else

bool SolverThread::start(Work work) {
  auto owned = std::make_unique<Work>(std::move(work));
  auto begin = [](void* argument) -> void* {
    do_work(argument);
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int problem = pthread_create(&thread_, &attributes, begin, owned.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (problem != 0) return false;
  owned.release();
  return true;
}

void SolverThread::join() { pthread_join(thread_, nullptr); }

bool SolverThread::is_calling() const { return pthread_equal(thread_, pthread_self()) != 0; }

#endif

}  // namespace kida
