// Names in the order in which people count: 1, 2, 10.
#pragma once

#include <string_view>

namespace riffle::trainer {

/// Does `a` come before `b`? Digits that stand together are a number and go by its value, everything else by its bytes:
/// "2" < "10", "img2" < "img10", "10a" < "10b". Names that differ in leading zeros alone go by their bytes: "007" <
/// "07" < "7". A strict total order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace riffle::trainer
