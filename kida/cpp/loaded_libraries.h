// The shared libraries that this process has loaded: who has which function. None is ever loaded.
#pragma once

#include <string>
#include <vector>

namespace kida {

using LibraryHandle = void*;

// The library of this path, to be looked into for good; null if none is loaded from there.
LibraryHandle loaded_library(const std::string& path);

// All of them, the program itself among them. What is not needed is to be let go.
std::vector<LibraryHandle> loaded_libraries();
void let_go(LibraryHandle library);

// A function of a library, or of those that it was linked to; null if there is none of that name.
void* find_function(LibraryHandle library, const char* name);

}  // namespace kida
