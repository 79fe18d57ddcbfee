// Mutants that are all compiled at once, of which the environment's RIFFLE_MUTANT chooses one: 0, or none, is the
// program as it is. mutate.py writes `a + mutation::plus<7>{} + b` for `a + b`: an operator on the left of such a tag
// takes the left operand, the same operator on its right does what the program says, or, chosen, something else. So
// precedence and evaluation are those of the program, and nothing has to be parsed.
//
// Only mutate.py's copies include this. A mutant that has no meaning (pointers have no product) ends the program with
// `no_mutant` when it is reached.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <type_traits>
#include <utility>

// Of the copies: what a mutant makes of an expression is no style.
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wfloat-conversion"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-value"

namespace mutation {

inline constexpr int most = 4096, no_mutant = 77;
inline const int chosen = [] {
  const char* const text = std::getenv("RIFFLE_MUTANT");
  return text == nullptr ? 0 : std::atoi(text);
}();
inline bool reached[most];  ///< which of them the program came by

/// Is the program this mutant? The compiler's own evaluations are of none. Where there is code, the program's section
/// .mutants has the number: what no instruction set of a build uses has no code, and is no mutant of it.
template <int N>
constexpr bool is() {
  static_assert(N < most);
  if (std::is_constant_evaluated()) return false;
  asm volatile(".pushsection .mutants,\"a\",@progbits\n.long %c0\n.popsection" ::"i"(N));
  reached[N] = true;
  return chosen == N;
}

template <int N, class L>
struct Left {
  L&& operand;
};

#define RIFFLE_MUTATION(tag, op, other)                                                      \
  template <int N>                                                                           \
  struct tag {};                                                                             \
  template <int N, class L>                                                                  \
  struct tag##_left : Left<N, L> {};                                                         \
  template <class L, int N>                                                                  \
  constexpr tag##_left<N, L> operator op(L&& l, tag<N>) {                                    \
    return {{std::forward<L>(l)}};                                                           \
  }                                                                                          \
  template <int N, class L, class R>                                                         \
  constexpr auto operator op(tag##_left<N, L>&& l, R&& r) {                                  \
    using Result = std::decay_t<decltype(std::forward<L>(l.operand) op std::forward<R>(r))>; \
    if (is<N>()) {                                                                           \
      if constexpr (requires { static_cast<Result>(l.operand other r); }) {                  \
        return static_cast<Result>(l.operand other r);                                       \
      } else {                                                                               \
        std::_Exit(no_mutant);                                                               \
      }                                                                                      \
    }                                                                                        \
    return static_cast<Result>(std::forward<L>(l.operand) op std::forward<R>(r));            \
  }

RIFFLE_MUTATION(less, <, <=)
RIFFLE_MUTATION(at_most, <=, <)
RIFFLE_MUTATION(more, >, >=)
RIFFLE_MUTATION(at_least, >=, >)
RIFFLE_MUTATION(same, ==, !=)
RIFFLE_MUTATION(other, !=, ==)
RIFFLE_MUTATION(plus, +, -)
RIFFLE_MUTATION(minus, -, +)
RIFFLE_MUTATION(times, *, +)
RIFFLE_MUTATION(by, /, *)
RIFFLE_MUTATION(modulo, %, /)
#undef RIFFLE_MUTATION

/// `a += negated<7>{} += b` takes b away.
template <int N>
struct negated {};
template <int N, class R>
constexpr std::decay_t<R> operator+=(negated<N>, R&& r) {
  if (is<N>()) {
    if constexpr (requires { static_cast<std::decay_t<R>>(-r); }) {
      return static_cast<std::decay_t<R>>(-r);
    } else {
      std::_Exit(no_mutant);
    }
  }
  return std::forward<R>(r);
}

template <int N>
constexpr bool flip(bool value) {
  return is<N>() ? !value : value;
}
template <int N>
constexpr int next(int value) {
  return is<N>() ? value + 1 : value;
}

/// std::min, or std::max, or, chosen, the other one.
template <int N, bool Largest>
struct extreme {
  template <class T>
  constexpr T operator()(const T& a, const T& b) const {
    return is<N>() != Largest ? std::max(a, b) : std::min(a, b);
  }
  template <class T>
  constexpr T operator()(std::initializer_list<T> all) const {
    return is<N>() != Largest ? std::max(all) : std::min(all);
  }
};

}  // namespace mutation
