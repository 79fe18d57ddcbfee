#include "trainer/network/network.hpp"
