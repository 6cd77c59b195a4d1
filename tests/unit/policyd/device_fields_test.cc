// CSV files of devices, as mr-device imports and exports them.
#include "tools/device_fields.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "libcommon/text/day.h"

using namespace mailroom;
using policy::DeviceState;
using policy::Registration;

namespace {

std::vector<std::string> problems_of(std::string_view csv) {
  const auto devices = parse_device_csv(csv);
  return devices ? std::vector<std::string>{} : devices.error();
}

Registration set(std::initializer_list<std::pair<const char*, const char*>> values) {
  Registration device;
  for (const auto& [name, value] : values) {
    CAPTURE(name, value);
    REQUIRE(find_device_field(name));
    REQUIRE_FALSE(find_device_field(name)->set(device, value));
  }
  return device;
}

Registration full_device() {
  return set({{"name", "scanner1"},           {"dns-name", "a.example.org"},
              {"dns-name", "b.example.org"},  {"principal", "smtp-relay/scanner1"},
              {"network", "192.0.2.0/24"},    {"network", "2001:db8::/32"},
              {"from", "scans@example.org"},  {"contact", "alice@example.org"},
              {"contact", "bob@example.org"}, {"purpose", "Copier, \"second\" floor"},
              {"owner", "Library"},           {"can-log-in", "yes"},
              {"personal-senders", "yes"},    {"volume", "120"},
              {"limit", "messages/day=500"},  {"limit", "recipients/hour=100"},
              {"quirk", "tls-min=1.0"},       {"quirk", "bare-lf"},
              {"review", "2027-01-31"},       {"state", "suspended"}});
}

}  // namespace

TEST_CASE("what is written as CSV is read back the same, whatever state a device is in") {
  const Registration one = full_device();
  Registration two = set({{"name", "fax"},
                          {"dns-name", "fax.example.org"},
                          {"from", "fax@example.org"},
                          {"contact", "alice@example.org"},
                          {"purpose", "Fax"},
                          {"can-log-in", "no"}});
  const auto read = parse_device_csv(device_csv_header() + "\n" + device_csv_line(one) + "\r\n" +
                                     device_csv_line(two) + "\n");
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK(read->at(0) == one);
  CHECK(read->at(1) == two);
}

TEST_CASE("columns may be left out and come in any order; without a state a device is active") {
  const auto read =
      parse_device_csv("\xef\xbb\xbf"
                       "contact,name,from,purpose,dns-name\n"
                       "alice@example.org,Copier1,Scans@Example.org,\"Copier,\r\nnew\",c1.example.org\n");
  CHECK_FALSE(read);  // a text with a line end
  const auto good = parse_device_csv("\xef\xbb\xbf"
                                     "contact,name,from,purpose,dns-name\r\n\r\n"
                                     "alice@example.org,Copier1,Scans@Example.org,Copier,c1.example.org");
  REQUIRE(good);
  REQUIRE(good->size() == 1);
  CHECK(good->front().name == "copier1");
  CHECK(good->front().from == std::vector<std::string>{"scans@example.org"});
  CHECK(good->front().state == DeviceState::active);
}

TEST_CASE("every error of a file is said with its line") {
  const auto problems = problems_of("name,dns-name,from,contact,purpose,review\n"
                                    "a,a.example.org,a@example.org,c@example.org,x,tomorrow\n"
                                    "b,b.example.org,b@example.org,c@example.org,x,\n"
                                    "c,c.example.org,c@example.org,x\n"
                                    "d,d.example.org,nobody,c@example.org,x,\n");
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].find("2: ") == 0);
  CHECK(problems[1].find("4: ") == 0);
  CHECK(problems[2].find("5: ") == 0);
  CHECK(problems_of("name,colour\n").size() == 1);
  CHECK(problems_of("name,purpose\na,\"no end\n").size() == 1);
}

TEST_CASE("a wrong value is refused with the reason") {
  for (const auto& [name, value] :
       {std::pair{"network", "10.0.0.0/40"}, std::pair{"can-log-in", "maybe"}, std::pair{"volume", "many"},
        std::pair{"limit", "messages=5"}, std::pair{"limit", "messages/week=5"},
        std::pair{"limit", "messages/day=x"}, std::pair{"quirk", "all"}, std::pair{"review", "2027-02-29"},
        std::pair{"state", "broken"}}) {
    Registration device;
    CAPTURE(name, value);
    CHECK(find_device_field(name)->set(device, value));
  }
  CHECK(find_device_field("colour") == nullptr);
}

TEST_CASE("days are written one way only") {
  CHECK(parse_day("1970-01-02") == 86'400U);
  CHECK(day_text(86'400 * 2 - 1) == "1970-01-02");
  CHECK(day_text(*parse_day("2028-02-29")) == "2028-02-29");
  for (const char* text :
       {"", "2027-1-31", "2027-13-01", "2027-02-29", "1969-12-31", "2027/01/31", "+027-01-31"})
    CHECK_FALSE(parse_day(text));
}
