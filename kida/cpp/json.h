// JSON as a value: what a policy's card and the header of its weights are written in.
//
// A reader of its own, because a library that reads all of JSON into everything is some twenty
// times what is needed here, and would have to be at hand where libkida is built. It takes what
// kida/boundary.py takes: RFC 8259 in valid UTF-8, numbers finite, no more than 32 levels deep; of
// names that are there twice the last one counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kida {

struct Json;
struct JsonMember;
using JsonArray = std::vector<Json>;
using JsonObject = std::vector<JsonMember>;
// Beyond 64 bits: only what nobody looks at may be so large.
struct LargeInteger {};

struct Json {
  std::variant<std::nullptr_t, bool, std::int64_t, LargeInteger, double, std::string, JsonArray,
               JsonObject>
      value;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  // "object", "array", "str", ...
  const char* kind() const;
};

struct JsonMember {
  std::string name;
  Json value;
};

// The member of that name; null if there is none.
const Json* find(const JsonObject& object, std::string_view name);

// Throws std::invalid_argument that says what is wrong and at which byte.
Json parse_json(std::string_view text);

// A number, truth value or text, shortened; of all else its type. For messages.
std::string shown(const Json& json);

}  // namespace kida
