// Functions of one number that no kernel has: formulas of those that kernels have, an operation a node.
#include <algorithm>
#include <cmath>
#include <functional>

#include "io/onnx/combine.hpp"
#include "io/onnx/operators.hpp"

namespace riffle::onnx {
namespace {

using graph::BinaryKind;
using kernels::Function;

/// Numbers of a tensor while a formula is computed of them. `steps`: how many nodes the formula has so far.
class Term {
 public:
  Term(Call& call, int& steps, View view) : call_(&call), steps_(&steps), view_(std::move(view)) {}

  [[nodiscard]] const View& view() const { return view_; }

  [[nodiscard]] Term of(const graph::Activation& activation) const {
    return made(activated(call_->importer, next_name(), activation, view_));
  }
  [[nodiscard]] Term of(Function function, float a = 0.0F) const { return of({{}, function, a}); }
  [[nodiscard]] Term with(BinaryKind kind, const Term& b) const {
    return made(combined(call_->importer, next_name(), kind, view_, b.view_));
  }
  [[nodiscard]] Term with(BinaryKind kind, double b, bool is_first = false) const {
    const Floats number{.dims = {}, .values = graph::Constant(std::vector<float>{static_cast<float>(b)})};
    return made(combined(call_->importer, next_name(), kind, view_, number, is_first));
  }

 private:
  [[nodiscard]] Term made(View view) const { return {*call_, *steps_, std::move(view)}; }
  [[nodiscard]] std::string next_name() const { return call_->name() + "." + std::to_string(++*steps_); }

  Call* call_;
  int* steps_;
  View view_;
};

Term operator+(const Term& a, const Term& b) { return a.with(BinaryKind::add, b); }
Term operator+(const Term& a, double b) { return a.with(BinaryKind::add, b); }
Term operator+(double a, const Term& b) { return b + a; }
Term operator-(const Term& a, const Term& b) { return a.with(BinaryKind::subtract, b); }
Term operator-(const Term& a, double b) { return a.with(BinaryKind::add, -b); }
Term operator-(double a, const Term& b) { return b.with(BinaryKind::subtract, a, true); }
Term operator*(const Term& a, const Term& b) { return a.with(BinaryKind::multiply, b); }
Term operator*(double a, const Term& b) { return b.with(BinaryKind::multiply, a); }
Term operator/(const Term& a, const Term& b) { return a.with(BinaryKind::divide, b); }

Term sqrt(const Term& x) { return x.of(Function::sqrt); }
Term exp(const Term& x) { return x.of(Function::exp); }
Term log(const Term& x) { return x.of(Function::log); }
Term abs(const Term& x) { return x.of(Function::absolute); }
Term sign(const Term& x) { return x.of(Function::sign); }

constexpr double turn = 6.283185307179586;

/// x * (c[0] + x^2 * (c[1] + x^2 * ...))
template <std::size_t Count>
Term odd_polynomial(const Term& x, const double (&c)[Count]) {
  const Term square = x * x;
  Term sum = c[Count - 1] * square;
  for (std::size_t i = Count - 2; i > 0; --i) sum = (sum + c[i]) * square;
  return (sum + c[0]) * x;
}

/// Of so many turns: less the nearest whole number of them, by a Taylor series.
Term sine_of_turns(const Term& turns) {
  constexpr double series[] = {1.0,          -1.0 / 6,        1.0 / 120,        -1.0 / 5040,
                               1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  return odd_polynomial(turn * (turns - turns.of(Function::round)), series);
}
Term sine(const Term& x) { return sine_of_turns(1 / turn * x); }
Term cosine(const Term& x) { return sine_of_turns(1 / turn * x + 0.25); }

/// An angle by the tangent of its fourth part, which is at most tan(pi / 8), by a Taylor series. Of tangents beyond 1e9
/// it is the same to a float, and their squares are none.
Term arc_tangent(const Term& x) {
  const auto half = [](const Term& tangent) { return tangent / (1.0 + sqrt(1.0 + tangent * tangent)); };
  constexpr double series[] = {1.0, -1.0 / 3, 1.0 / 5, -1.0 / 7, 1.0 / 9, -1.0 / 11, 1.0 / 13, -1.0 / 15};
  return 4.0 * odd_polynomial(half(half(x.of({{-1e9F, 1e9F}}))), series);
}
Term arc_sine(const Term& x) { return 2.0 * arc_tangent(x / (1.0 + sqrt(1.0 - x * x))); }

struct Formula {
  std::string_view type;
  double (*of_number)(double);
  Term (*of_tensor)(const Term&);
};
constexpr Formula formulas[] = {
    {"Sin", [](double x) { return std::sin(x); }, sine},
    {"Cos", [](double x) { return std::cos(x); }, cosine},
    {"Tan", [](double x) { return std::tan(x); }, [](const Term& x) { return sine(x) / cosine(x); }},
    {"Asin", [](double x) { return std::asin(x); }, arc_sine},
    {"Acos", [](double x) { return std::acos(x); }, [](const Term& x) { return turn / 4 - arc_sine(x); }},
    {"Atan", [](double x) { return std::atan(x); }, arc_tangent},
    {"Sinh", [](double x) { return std::sinh(x); }, [](const Term& x) { return 0.5 * exp(x) - 0.5 * exp(-1.0 * x); }},
    {"Cosh", [](double x) { return std::cosh(x); }, [](const Term& x) { return 0.5 * exp(x) + 0.5 * exp(-1.0 * x); }},
    {"Asinh", [](double x) { return std::asinh(x); },
     [](const Term& x) { return sign(x) * log(abs(x) + sqrt(x * x + 1.0)); }},
    {"Acosh", [](double x) { return std::acosh(x); }, [](const Term& x) { return log(x + sqrt(x * x - 1.0)); }},
    {"Atanh", [](double x) { return std::atanh(x); }, [](const Term& x) { return 0.5 * log((1.0 + x) / (1.0 - x)); }},
};

/// The formula of the input, of a tensor or of constants.
void give(Call& call, const std::function<double(double)>& of_number,
          const std::function<Term(const Term&)>& of_tensor) {
  const Operand given = operand(call, 0);
  if (const auto* constant = std::get_if<Floats>(&given)) {
    return call.result(combined(call.importer, *constant, *constant, [&](double x, double) { return of_number(x); }));
  }
  View& x = call.tensor(0);
  if (channel_axis(x)) call.importer.settle(x);
  int steps = 0;
  call.result(of_tensor(Term(call, steps, x)).view());
}

}  // namespace

void import_formula(Call& call) {
  const Formula& formula = *std::ranges::find(formulas, call.type(), &Formula::type);
  give(call, formula.of_number, formula.of_tensor);
}

/// x - bias above lambd, x + bias below -lambd, 0 between.
void import_shrink(Call& call) {
  const float bias = call.real("bias", 0.0F), lambd = call.real("lambd", 0.5F);
  if (!(lambd >= 0.0F)) throw Error("lambd is negative");
  const auto shrunk = [&](double x) {
    return std::abs(x) > static_cast<double>(lambd) ? x - std::copysign(static_cast<double>(bias), x) : 0.0;
  };
  give(call, shrunk, [&](const Term& x) {
    const Term left = x.of(Function::thresholded, lambd) - (-1.0 * x).of(Function::thresholded, lambd);
    return bias == 0.0F ? left : left - static_cast<double>(bias) * sign(left);
  });
}

}  // namespace riffle::onnx
