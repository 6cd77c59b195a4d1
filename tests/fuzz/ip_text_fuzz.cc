// Addresses and networks in writing: what is understood is written as something that means the same, and
// holds nothing but digits and their separators.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libcommon/sys/ip_network.h"

using namespace mailroom;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_written_as_numbers(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF.:[]/") == text.npos;
}

void check_address(std::string_view text) {
  const auto address = parse_ip_and_port(text);
  if (!address) return;
  check(is_written_as_numbers(text));
  const std::string host = address->is_v4() ? address->text() : "[" + address->text() + "]";
  check(parse_ip_and_port(host + ":" + std::to_string(address->port)) == address);
  check(address->host_for_limits().host_for_limits() == address->host_for_limits());
  sockaddr_storage socket_address;
  to_sockaddr(*address, socket_address);
  check(ip_address_of(socket_address) == address);
}

void check_network(std::string_view text) {
  const auto network = parse_ip_network(text);
  if (!network) return;
  check(is_written_as_numbers(text) && network->bits <= 128 && network->contains(network->base));
  check(parse_ip_network(network->text()) == network);
  check(network_of(network->base, network->bits) == *network);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_address(text);
  check_network(text);
  return 0;
}
