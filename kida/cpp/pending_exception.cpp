#include "pending_exception.h"

namespace kida {

namespace {

unsigned long main_thread = 0;

// What the interpreter is to raise, and where: in the frame that has called into SCIP.
struct Delivery {
  std::shared_ptr<PendingException> pending;
  PyObject* frame;  // a reference; null: wherever Python runs next
};

// Whether Python runs in a function that was called, through SCIP, by `frame`.
bool called_by(PyObject* frame) {
  PyFrameObject* current = PyEval_GetFrame();
  if (current == nullptr || reinterpret_cast<PyObject*>(current) == frame) return false;
  Py_INCREF(current);
  while (current != nullptr && reinterpret_cast<PyObject*>(current) != frame) {
    PyFrameObject* caller = PyFrame_GetBack(current);
    Py_DECREF(current);
    current = caller;
  }
  const bool found = current != nullptr;
  Py_XDECREF(reinterpret_cast<PyObject*>(current));
  return found;
}

int deliver(void* argument) {
  std::unique_ptr<Delivery> delivery(static_cast<Delivery*>(argument));
  if (delivery->frame != nullptr && delivery->pending->waiting() && called_by(delivery->frame) &&
      Py_AddPendingCall(deliver, delivery.get()) == 0) {
    delivery.release();  // SCIP has not returned yet
    return 0;
  }
  Py_XDECREF(delivery->frame);
  return delivery->pending->raise() ? -1 : 0;
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
    auto* frame = reinterpret_cast<PyObject*>(PyEval_GetFrame());
    Py_XINCREF(frame);
    auto delivery = std::unique_ptr<Delivery>(new Delivery{self, frame});
    if (Py_AddPendingCall(deliver, delivery.get()) == 0) {
      delivery.release();
    } else {
      Py_XDECREF(frame);
    }
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
