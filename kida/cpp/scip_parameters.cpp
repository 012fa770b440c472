#include "scip_parameters.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

// Whether it stands for one.
bool is_number(const ParameterValue& value) {
  const char* character = std::get_if<char>(&value);
  return character == nullptr || (*character >= '0' && *character <= '9');
}

double real_of(const ParameterValue& value) {
  if (const char* character = std::get_if<char>(&value)) return *character - '0';
  return std::visit([](auto number) { return static_cast<double>(number); }, value);
}

// The part before the point; throws where `Integer` has no room for it.
template <typename Integer>
Integer integer_of(const ParameterValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (*number < std::numeric_limits<Integer>::min() ||
        *number > std::numeric_limits<Integer>::max()) {
      throw std::runtime_error("it is out of range");
    }
    return static_cast<Integer>(*number);
  }
  const double number = std::trunc(real_of(value));
  // As a real, the largest integer is rounded up to one that is too large.
  constexpr double end = static_cast<double>(std::numeric_limits<Integer>::max());
  if (!(number >= -end && number < end)) throw std::runtime_error("it is out of range");
  return static_cast<Integer>(number);
}

ParameterValue value_of(SCIP_Param* parameter) {
  switch (SCIPparamGetType(parameter)) {
    case bool_parameter: return SCIPparamGetBool(parameter) != 0;
    case int_parameter: return std::int64_t{SCIPparamGetInt(parameter)};
    case longint_parameter: return std::int64_t{SCIPparamGetLongint(parameter)};
    case real_parameter: return SCIPparamGetReal(parameter);
    case char_parameter: return SCIPparamGetChar(parameter);
    default: throw std::runtime_error("it is a text");
  }
}

Retcode set_value(Scip* scip, const char* name, int type, const ParameterValue& value) {
  if (type == char_parameter) {
    const char* character = std::get_if<char>(&value);
    if (character == nullptr) throw std::runtime_error("it must be a single character");
    return SCIPsetCharParam(scip, name, *character);
  }
  if (!is_number(value)) throw std::runtime_error("it must be a number");
  switch (type) {
    case bool_parameter: return SCIPsetBoolParam(scip, name, integer_of<std::int64_t>(value) != 0);
    case int_parameter: return SCIPsetIntParam(scip, name, integer_of<int>(value));
    case longint_parameter: return SCIPsetLongintParam(scip, name, integer_of<Longint>(value));
    default: return SCIPsetRealParam(scip, name, real_of(value));
  }
}

}  // namespace

void ScipParameters::set(const std::string& name, const ParameterValue& value) {
  try {
    SCIP_Param* parameter = SCIPgetParam(scip_, name.c_str());
    if (parameter == nullptr) throw std::runtime_error("it does not know it");
    ParameterValue before = value_of(parameter);
    if (set_value(scip_, name.c_str(), SCIPparamGetType(parameter), value) != okay) {
      throw std::runtime_error("it does not take that value");
    }
    before_.emplace_back(name, before);
  } catch (const std::runtime_error& trouble) {
    throw std::runtime_error("SCIP refuses the card's parameter " + name + ": " + trouble.what());
  }
}

ScipParameters::~ScipParameters() {
  for (const auto& [name, value] : before_) {
    // It had that value: nothing can be wrong with it.
    set_value(scip_, name.c_str(), SCIPparamGetType(SCIPgetParam(scip_, name.c_str())), value);
  }
}

}  // namespace kida
