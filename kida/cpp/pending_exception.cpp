#include "pending_exception.h"

namespace kida {

namespace {

unsigned long main_thread = 0;

int raise_pending(void* argument) {
  const std::unique_ptr<std::shared_ptr<PendingException>> owner(
      static_cast<std::shared_ptr<PendingException>*>(argument));
  return (*owner)->raise() ? -1 : 0;
}

}  // namespace

void PendingException::set_main_thread(unsigned long identifier) { main_thread = identifier; }

PendingException::~PendingException() {
  if (exception_ != nullptr && Py_IsInitialized() != 0) {
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(exception_);
    PyGILState_Release(state);
  }
}

void PendingException::store(const std::shared_ptr<PendingException>& self, PyObject* exception) {
  if (self->exception_ != nullptr) return;
  Py_INCREF(exception);
  self->exception_ = exception;
  if (PyThread_get_thread_ident() == main_thread) {
    auto* owner = new std::shared_ptr<PendingException>(self);
    if (Py_AddPendingCall(raise_pending, owner) != 0) delete owner;
  }
}

void PendingException::store(const std::shared_ptr<PendingException>& self,
                             const std::string& message) {
  const PyGILState_STATE state = PyGILState_Ensure();
  PyObject* exception = PyObject_CallFunction(PyExc_RuntimeError, "s", message.c_str());
  if (exception != nullptr) {
    store(self, exception);
    Py_DECREF(exception);
  } else {
    PyErr_Clear();
  }
  PyGILState_Release(state);
}

bool PendingException::raise() {
  if (exception_ == nullptr) return false;
  PyObject* exception = exception_;
  exception_ = nullptr;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  Py_DECREF(exception);
  return true;
}

}  // namespace kida
