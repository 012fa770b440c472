// Text in UTF-8: what is valid, and how what is not is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kida {

// Bytes of the character that `text` begins with, in UTF-8 as RFC 3629 has it; 0 if it is none.
std::size_t character_length(std::string_view text);

// The text as valid UTF-8 in one line: control characters, and bytes that are no character, are
// shown as "\xf6".
std::string printable(std::string_view text);

}  // namespace kida
