#include "json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>
#include <utility>

#include "text.h"

namespace kida {

namespace {

constexpr int deepest = 32;

void append_utf8(std::uint32_t code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6U);
    text += static_cast<char>(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12U);
    text += static_cast<char>(0x80 | (code >> 6U & 0x3FU));
    text += static_cast<char>(0x80 | (code & 0x3FU));
  } else {
    text += static_cast<char>(0xF0 | code >> 18U);
    text += static_cast<char>(0x80 | (code >> 12U & 0x3FU));
    text += static_cast<char>(0x80 | (code >> 6U & 0x3FU));
    text += static_cast<char>(0x80 | (code & 0x3FU));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json document() {
    Json json = value(0);
    skip_space();
    if (at_ < text_.size()) fail("something follows its end");
    return json;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::invalid_argument("JSON is malformed: " + what + " (byte " + std::to_string(at_) +
                                ")");
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char expected) {
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  Json value(int depth) {
    if (depth > deepest) fail("nested more than 32 levels deep");
    skip_space();
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return {text()};
      default: break;
    }
    if (take("true")) return {true};
    if (take("false")) return {false};
    if (take("null")) return {nullptr};
    return number();
  }

  Json object(int depth) {
    JsonObject members;
    take('{');
    skip_space();
    if (take('}')) return {std::move(members)};
    do {
      skip_space();
      if (peek() != '"') fail("a name is expected");
      std::string name = text();
      skip_space();
      if (!take(':')) fail("':' is expected");
      members.push_back({std::move(name), value(depth + 1)});
      skip_space();
    } while (take(','));
    if (!take('}')) fail("',' or '}' is expected");
    return {std::move(members)};
  }

  Json array(int depth) {
    JsonArray entries;
    take('[');
    skip_space();
    if (take(']')) return {std::move(entries)};
    do {
      entries.push_back(value(depth + 1));
      skip_space();
    } while (take(','));
    if (!take(']')) fail("',' or ']' is expected");
    return {std::move(entries)};
  }

  Json number() {
    const std::size_t begin = at_;
    take('-');
    if (!is_digit(peek())) fail("a value is expected");
    if (!take('0')) digits();
    bool integral = true;
    if (take('.')) {
      integral = false;
      digits();
    }
    if (take('e') || take('E')) {
      integral = false;
      if (!take('+')) take('-');
      digits();
    }
    const std::string_view found = text_.substr(begin, at_ - begin);
    if (integral) {
      std::int64_t result = 0;
      const auto [end, problem] =
          std::from_chars(found.data(), found.data() + found.size(), result);
      if (problem == std::errc()) return {result};
      return {LargeInteger{}};
    }
    // Not strtod, which goes by the locale; from_chars for reals is missing on macOS.
    std::istringstream stream{std::string(found)};
    stream.imbue(std::locale::classic());
    double result = 0.0;
    stream >> result;
    if (stream.fail() && std::abs(result) >= 1.0) fail("a number is out of range");
    return {result};
  }
  void digits() {
    if (!is_digit(peek())) fail("a digit is expected");
    while (is_digit(peek())) ++at_;
  }

  std::string text() {
    std::string result;
    take('"');
    while (!take('"')) {
      if (at_ >= text_.size()) fail("a text has no end");
      const auto byte = static_cast<unsigned char>(peek());
      if (byte < 0x20) fail("a text holds a control character");
      if (take('\\')) {
        escape(result);
      } else if (byte < 0x80) {
        result += text_[at_++];
      } else {
        utf8(result);
      }
    }
    return result;
  }

  void escape(std::string& result) {
    static constexpr std::string_view names = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t which = at_ < text_.size() ? names.find(peek()) : std::string_view::npos;
    if (which != std::string_view::npos) {
      ++at_;
      result += meanings[which];
      return;
    }
    if (!take('u')) fail("an escape is unknown");
    std::uint32_t code = hexadecimal();
    // Halves of surrogate pairs may stand alone: they are how Python keeps paths that are no UTF-8.
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_;
      at_ += 2;
      const std::uint32_t low = hexadecimal();
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      } else {
        at_ = before;
      }
    }
    append_utf8(code, result);
  }

  std::uint32_t hexadecimal() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (problem != std::errc() || digits.size() < 4 || end != digits.data() + 4) {
      fail("four hexadecimal digits are expected");
    }
    at_ += 4;
    return code;
  }

  void utf8(std::string& result) {
    const std::size_t length = character_length(text_.substr(at_));
    if (length == 0) fail("a text is not UTF-8");
    result += text_.substr(at_, length);
    at_ += length;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const char* Json::kind() const {
  static constexpr std::array<const char*, 8> names{"null",  "bool", "int",   "int",
                                                    "float", "str",  "array", "object"};
  return names[value.index()];
}

const Json* find(const JsonObject& object, std::string_view name) {
  for (auto member = object.rbegin(); member != object.rend(); ++member) {
    if (member->name == name) return &member->value;
  }
  return nullptr;
}

Json parse_json(std::string_view text) { return Parser(text).document(); }

std::string shown(const Json& json) {
  if (const auto* value = json.as<bool>()) return *value ? "true" : "false";
  if (const auto* value = json.as<std::int64_t>()) return std::to_string(*value);
  if (json.as<LargeInteger>() != nullptr) return "an integer of more than 64 bits";
  if (const auto* value = json.as<double>()) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream << *value;
    return stream.str();
  }
  if (const auto* value = json.as<std::string>()) {
    return "'" + (value->size() <= 80 ? *value : value->substr(0, 80) + "...") + "'";
  }
  return std::string("of type ") + json.kind();
}

}  // namespace kida
