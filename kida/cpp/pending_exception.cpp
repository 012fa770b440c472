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
  auto* current = reinterpret_cast<PyObject*>(PyEval_GetFrame());
  if (current == nullptr || current == frame) return false;
  Py_INCREF(current);
  while (current != nullptr && current != Py_None && current != frame) {
    // The stable interface has no function for this.
    PyObject* caller = PyObject_GetAttrString(current, "f_back");
    Py_DECREF(current);
    current = caller;
  }
  if (current == nullptr) PyErr_Clear();
  const bool found = current == frame;
  Py_XDECREF(current);
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

void PendingException::store(PyObject* exception) {
  if (exception_ != nullptr) return;
  Py_INCREF(exception);
  exception_ = exception;
  if (PyThread_get_thread_ident() == main_thread) {
    auto* frame = reinterpret_cast<PyObject*>(PyEval_GetFrame());
    Py_XINCREF(frame);
    auto delivery = std::unique_ptr<Delivery>(new Delivery{shared_from_this(), frame});
    if (Py_AddPendingCall(deliver, delivery.get()) == 0) {
      delivery.release();
    } else {
      Py_XDECREF(frame);
    }
  }
}

void PendingException::warn(Scip*, const char* message) {
  const PyGILState_STATE lock = PyGILState_Ensure();
  if (PyErr_WarnEx(PyExc_RuntimeWarning, message, 1) != 0) {
    // A warning turned into an error cannot leave a callback: hand it over.
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    store(value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
  }
  PyGILState_Release(lock);
}

bool PendingException::keep(const std::string& failure) {
  const PyGILState_STATE lock = PyGILState_Ensure();
  PyObject* exception = PyObject_CallFunction(PyExc_RuntimeError, "s", failure.c_str());
  if (exception != nullptr) {
    store(exception);
    Py_DECREF(exception);
  } else {
    PyErr_Clear();
  }
  PyGILState_Release(lock);
  return true;
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
