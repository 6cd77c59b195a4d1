// One visitor of several lambdas: std::visit(Overloaded{[](const A&) {...}, [](const B&) {...}}, message).
// A kind of message that none of them takes does not compile.
#pragma once

namespace mailroom {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace mailroom
