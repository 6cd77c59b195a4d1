#include "libcommon/routing/route.h"

#include <catch2/catch.hpp>

using namespace mailroom;
using namespace mailroom::routing;

namespace {

Site campus() {
  return {.hostname = "mail.campus.example",
          .domains = {"campus.example"},
          .routes = {{"lists.example", Protocol::lmtp, "lists", 0, TlsLevel::never, false},
                     {".example", Protocol::smtp, "gate.example", 25, TlsLevel::may, false},
                     {".dept.example", Protocol::smtp, "2001:db8::1", 26, TlsLevel::encrypt, false}},
          .own = {},
          .allowed = {}};
}

}  // namespace

TEST_CASE("the most exact route counts") {
  Site site = campus();
  CHECK(route_for("Campus.Example", site) == Route{Way::local, "campus.example", {}});
  CHECK(route_for("lists.example", site).fixed.domain == "lists.example");
  CHECK(route_for("other.example", site).fixed.domain == ".example");
  CHECK(route_for("example", site).way == Way::mx);
  CHECK(route_for("a.dept.example", site).fixed.domain == ".dept.example");
  CHECK(route_for("dept.example", site).fixed.domain == ".example");
  CHECK(route_for("a.b.test", site) == Route{Way::mx, "a.b.test", {}});
  CHECK(route_for("[192.0.2.1]", site).way == Way::literal);
  site.routes.push_back({"*", Protocol::smtps, "relay.test", 465, TlsLevel::certificate, true});
  CHECK(route_for("a.b.test", site).fixed.domain == "*");
  CHECK(route_for("[192.0.2.1]", site).fixed.domain == "*");
  CHECK(route_for("lists.example", site).fixed.domain == "lists.example");
  CHECK(route_for("campus.example", site).way == Way::local);
}

TEST_CASE("destinations are named so that an operator can write them, and never share what must differ") {
  Site site = campus();
  const auto key = [&](const char* domain) { return destination_key(route_for(domain, site)); };
  CHECK(key("lists.example") == "lmtp:unix:lists");
  CHECK(key("a.example") == "smtp:gate.example:25");
  CHECK(key("a.example") == key("b.example"));
  CHECK(key("a.dept.example") == "smtp:[2001:db8::1]:26:encrypt");
  CHECK(key("B.test") == "b.test");
  CHECK(key("[192.0.2.1]") == "[192.0.2.1]");
  site.routes.push_back({"*", Protocol::smtp, "gate.example", 25, TlsLevel::certificate, true});
  CHECK(key("b.test") == "smtp:gate.example:25:certificate:auth-*");
}
