#include "libcommon/dns/question.h"

#include <catch2/catch.hpp>

namespace mailroom::dns {
namespace {

TEST_CASE("names of addresses") {
  CHECK(reverse_name(*parse_ip_and_port("192.0.2.1:0")) == "1.2.0.192.in-addr.arpa");
  CHECK(reverse_name(*parse_ip_and_port("[2001:db8::567:89ab]:0")) ==
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");  // RFC 3596 2.5's form
}

TEST_CASE("names of TLSA records") { CHECK(tlsa_name(25, "mx.example.org") == "_25._tcp.mx.example.org"); }

TEST_CASE("types that are asked for") {
  for (const Type type : {Type::a, Type::cname, Type::ptr, Type::mx, Type::txt, Type::aaaa, Type::tlsa})
    CHECK(is_known(type));
  for (const int other : {0, 2, 6, 13, 51}) CHECK_FALSE(is_known(static_cast<Type>(other)));
}

}  // namespace
}  // namespace mailroom::dns
