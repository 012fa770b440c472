#include "stepped_solve.h"

#include <stdexcept>

namespace kida {

void SteppedSolve::start() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::ready) throw std::runtime_error("the solve has been started before");
  state_ = State::running;
  resumed_ = Clock::now();
  // The thread keeps this object alive, whatever becomes of its caller.
  if (!thread_.start([self = shared_from_this()] { self->run(); })) {
    state_ = State::ready;
    throw std::runtime_error("no thread can be started for the solve: too many run already");
  }
  joinable_ = true;
}

void SteppedSolve::run() {
  const scip::Retcode retcode = scip::SCIPsolve(scip_);
  {
    const std::lock_guard lock(mutex_);
    count_seconds();
    retcode_ = retcode;
    state_ = State::finished;
  }
  caller_.notify_all();
}

void SteppedSolve::count_seconds() {
  seconds_ += std::chrono::duration<double>(Clock::now() - resumed_).count();
}

int SteppedSolve::decide(std::vector<std::int64_t> options) {
  std::unique_lock lock(mutex_);
  count_seconds();
  options_ = std::move(options);
  if (!stopping_) {
    state_ = State::parked;
    sleeping_solver_.fall_asleep();
    sleeping_caller_.bring_here();
    // Without the lock, or whoever wakes would sleep again until it is free.
    lock.unlock();
    caller_.notify_all();
    lock.lock();
    solver_.wait(lock, [this] { return state_ == State::running || stopping_; });
    sleeping_solver_.woken();
  }
  state_ = State::running;
  resumed_ = Clock::now();
  return stopping_ ? stop : choice_;
}

void SteppedSolve::resume(int choice) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::parked) throw std::runtime_error("the solve does not wait for a choice");
    choice_ = choice;
    state_ = State::running;
    sleeping_solver_.bring_here();
  }
  solver_.notify_one();
}

bool SteppedSolve::wait_for(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  sleeping_caller_.fall_asleep();
  const bool at_rest =
      caller_.wait_for(lock, duration, [this] { return state_ != State::running; });
  sleeping_caller_.woken();
  if (!at_rest) return false;
  if (state_ == State::finished && joinable_) {
    joinable_ = false;
    lock.unlock();
    thread_.join();
  }
  return true;
}

void SteppedSolve::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (state_ == State::parked) {
    state_ = State::running;
    solver_.notify_one();
  } else if (state_ == State::running) {
    scip::SCIPinterruptSolve(scip_);
  }
}

SteppedSolve::State SteppedSolve::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool SteppedSolve::in_own_thread() const {
  const std::lock_guard lock(mutex_);
  return joinable_ && thread_.is_calling();
}

}  // namespace kida
