#include "spool/state/directory.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "spool/state/record.h"
#include "tests/unit/temporary_directory.h"

using namespace mailroom::state;
using mailroom::test::TemporaryDirectory;
namespace lmdb = mailroom::lmdb;

namespace {

constexpr std::uint64_t kMap = 64 << 20;
constexpr AccountId kEnd = 1'000'000;

class Fixture {
 public:
  Fixture() { reopen(); }

  Directory& directory() { return *directory_; }
  View view() { return directory_->view(); }
  const std::string& path() const { return place_.path(); }

  std::expected<AccountId, Fault> add(const std::string& name, OwnAddresses own = OwnAddresses::every_domain,
                                      AccountId end = kEnd) {
    auto update = directory_->update();
    auto id = update.add({.name = name, .own = own}, end);
    if (id) update.commit();
    return id;
  }
  std::expected<void, Fault> set_alias(const std::string& address, std::vector<AccountId> accounts) {
    auto update = directory_->update();
    auto done = update.set_alias(address, std::move(accounts));
    if (done) update.commit();
    return done;
  }
  AccountId remove(const std::string& name) {
    auto update = directory_->update();
    const auto id = update.remove(name);
    update.commit();
    return id.value();
  }
  void close() { directory_.reset(); }
  void reopen() {
    close();
    directory_.emplace(Directory::open(place_.path(), kMap));
  }

 private:
  TemporaryDirectory place_;
  std::optional<Directory> directory_;
};

using Ids = std::vector<AccountId>;

}  // namespace

TEST_CASE("an account is found by name and id, after a restart too") {
  Fixture f;
  const AccountId id = f.add("alice").value();
  CHECK(id == 1);
  f.reopen();
  const auto account = f.view().account_named("alice");
  REQUIRE(account);
  CHECK(account->id == id);
  CHECK(f.view().account(id) == account);
  CHECK_FALSE(f.view().account_named("bob"));
  CHECK_FALSE(f.view().account_named(""));
  CHECK_FALSE(f.view().account_named(std::string(600, 'x')));
  CHECK(f.view().errands() == std::vector<std::pair<AccountId, Errand>>{{1, Errand::make_directory}});
}

TEST_CASE("an update that is not committed leaves nothing, not even a used id") {
  Fixture f;
  { CHECK(f.directory().update().add({.name = "alice"}, kEnd)); }
  CHECK_FALSE(f.view().account_named("alice"));
  CHECK(f.add("bob") == 1U);
}

TEST_CASE("an id is never used twice") {
  Fixture f;
  CHECK(f.add("alice") == 1U);
  CHECK(f.remove("alice") == 1);
  f.reopen();
  CHECK(f.add("alice") == 2U);
  CHECK_FALSE(f.view().account(1));
  CHECK(f.add("bob", OwnAddresses::every_domain, 3).error() == Fault::no_more_ids);
}

TEST_CASE("one name, one account; only canonical names") {
  Fixture f;
  REQUIRE(f.add("alice"));
  CHECK(f.add("alice").error() == Fault::name_taken);
  for (const char* bad : {"", "Alice", "../x", "a b", "alice."})
    CHECK(f.add(bad).error() == Fault::not_a_name);
}

TEST_CASE("services and state change, name and id do not") {
  Fixture f;
  REQUIRE(f.add("alice"));
  auto update = f.directory().update();
  Account account = update.account(1).value();
  account.disabled = true;
  account.services = kPop;
  REQUIRE(update.change(account));
  account.name = "mallory";
  CHECK(update.change(account).error() == Fault::no_such_account);
  account.id = 9;
  CHECK(update.change(account).error() == Fault::no_such_account);
  update.commit();
  CHECK(f.view().account(1)->disabled);
  CHECK(f.view().account(1)->services == kPop);
}

TEST_CASE("an alias leads to accounts, and forgets those that are removed") {
  Fixture f;
  REQUIRE(f.add("alice"));
  REQUIRE(f.add("bob"));
  REQUIRE(f.set_alias("staff@example.org", {2, 1, 2}));
  REQUIRE(f.set_alias("sales@", {2}));
  CHECK(f.view().alias("staff@example.org") == Ids{1, 2});
  CHECK(f.view().aliases_of(2) == std::vector<std::string>{"sales@", "staff@example.org"});
  f.remove("bob");
  CHECK(f.view().alias("staff@example.org") == Ids{1});
  CHECK(f.view().alias("sales@").empty());
  CHECK(f.view().aliases_of(2).empty());
  REQUIRE(f.set_alias("staff@example.org", {}));
  CHECK(f.set_alias("staff@example.org", {}).error() == Fault::no_such_alias);
  f.reopen();
}

TEST_CASE("an alias is an address of ours and leads to accounts that exist") {
  Fixture f;
  REQUIRE(f.add("alice"));
  CHECK(f.set_alias("staff@example.org", {7}).error() == Fault::no_such_account);
  for (const char* bad : {"", "@", "staff", "Staff@example.org", "a%b@example.org", "\"a@b\"@example.org",
                          "a@[192.0.2.1]", "a b@", "a!b@", "postmaster"})
    CHECK(f.set_alias(bad, {1}).error() == Fault::not_an_address);
}

TEST_CASE("no two accounts have one address") {
  Fixture f;
  REQUIRE(f.add("alice"));
  REQUIRE(f.add("bob"));
  CHECK(f.add("alice@example.org").error() == Fault::address_taken);
  CHECK(f.set_alias("alice@example.org", {2}).error() == Fault::address_taken);
  CHECK(f.set_alias("alice@", {2}).error() == Fault::address_taken);
  CHECK(f.set_alias("alice@example.org", {1, 2}));  // she keeps her copy

  REQUIRE(f.add("carol@example.org"));
  CHECK(f.add("carol").error() == Fault::address_taken);
  CHECK(f.set_alias("carol@example.org", {1}).error() == Fault::address_taken);
  CHECK(f.set_alias("carol@example.net", {1}));
  REQUIRE(f.set_alias("dave@example.org", {1}));
  CHECK(f.add("dave").error() == Fault::address_taken);
  CHECK(f.add("dave@example.org").error() == Fault::address_taken);
  REQUIRE(f.add("dave", OwnAddresses::none));
  auto update = f.directory().update();
  auto dave = update.account_named("dave").value();
  dave.own = OwnAddresses::every_domain;
  CHECK(update.change(dave).error() == Fault::address_taken);
}

TEST_CASE("lists come in pages, in order of name and address") {
  Fixture f;
  for (int i = 0; i < 25; ++i) REQUIRE(f.add("u" + std::to_string(10 + i)));
  REQUIRE(f.set_alias("a@x", {1}));
  REQUIRE(f.set_alias("b@x", {1}));
  const auto first = f.view().accounts_after("", 10);
  REQUIRE(first.size() == 10);
  CHECK(first.front().name == "u10");
  const auto second = f.view().accounts_after(first.back().name, 10);
  CHECK(second.front().name == "u20");
  CHECK(f.view().accounts_after("u34", 10).empty());
  CHECK(f.view().accounts_after("u335", 10).size() == 1);
  CHECK(f.view().aliases_after("a@x", 10) == std::vector<Alias>{{"b@x", {1}}});
  CHECK(f.view().account_count() == 25);
}

TEST_CASE("an account and an alias have bounds") {
  Fixture f;
  REQUIRE(f.add("alice"));
  auto update = f.directory().update();
  for (std::size_t i = 0; i < kMaxAliases; ++i)
    REQUIRE(update.set_alias("a" + std::to_string(i) + "@x", {1}));
  CHECK(update.set_alias("more@x", {1}).error() == Fault::too_many_aliases);
  CHECK(update.set_alias("a0@x", {1}));
  CHECK(update.set_alias("many@x", Ids(kMaxTargets, 1)).error() == Fault::too_many_aliases);
}

TEST_CASE("an errand stays until it is done") {
  Fixture f;
  REQUIRE(f.add("alice"));
  REQUIRE(f.add("bob"));
  auto update = f.directory().update();
  update.errand_done(1);
  update.commit();
  f.remove("bob");
  f.reopen();
  CHECK(f.view().errands() == std::vector<std::pair<AccountId, Errand>>{{2, Errand::remove_directory}});
}

TEST_CASE("permissions and grants are the account's, and go with it") {
  Fixture f;
  REQUIRE(f.add("alice"));
  REQUIRE(f.add("bob"));
  const auto network = *mailroom::parse_ip_network("192.0.2.7");
  CHECK(f.view().permissions(1) == Permissions{});
  {
    auto update = f.directory().update();
    CHECK(update.set_permissions(1, {true, true, {"@lists.test", "office@example.org"}}));
    CHECK(update.set_permissions(1, {false, false, {"Office@example.org"}}).error() == Fault::not_a_sender);
    CHECK(update.set_permissions(9, {}).error() == Fault::no_such_account);
    std::vector<std::string> many(kMaxSendAs + 1, "*");
    CHECK(update.set_permissions(1, {false, false, many}).error() == Fault::too_many_senders);
    for (const AccountId account : {1U, 2U}) update.put_grant({network, account, 1'000 + account});
    update.commit();
  }
  f.reopen();
  CHECK(f.view().permissions(1).send_as.size() == 2);
  CHECK(f.view().grants() == std::vector<Grant>{{network, 1, 1'001}, {network, 2, 1'002}});
  CHECK(f.view().latest_time() == 1'002);
  f.remove("alice");
  f.reopen();
  CHECK(f.view().grants() == std::vector<Grant>{{network, 2, 1'002}});
  auto update = f.directory().update();
  update.erase_grant(network, 2);
  update.note_time(900);
  update.commit();
  CHECK(f.view().grants().empty());
  CHECK(f.view().latest_time() == 1'002);  // it only grows
}

TEST_CASE("a state with any damaged reference or record is not opened") {
  Fixture f;
  REQUIRE(f.add("alice"));
  REQUIRE(f.add("bob"));
  REQUIRE(f.set_alias("staff@example.org", {1, 2}));
  f.close();

  struct Damage {
    const char* table;
    std::string key;
    std::optional<std::string> value;
  };
  const std::vector<Damage> damages{
      {"names", "alice", std::nullopt},
      {"names", "ghost", encode_record("ghost", AccountId{1})},
      {"names", "alice", encode_record("alice", AccountId{2})},
      {"accounts", account_key(1), std::nullopt},
      {"accounts", account_key(1), "garbage"},
      {"accounts", account_key(9), encode_record(account_key(9), Account{.id = 9, .name = "eve"})},
      {"aliases", "staff@example.org", encode_record("staff@example.org", Ids{1, 2, 3})},
      {"aliases", "staff@example.org", encode_record("staff@example.org", Ids{})},
      {"aliases", "other@example.org", encode_record("other@example.org", Ids{1})},
      {"memberships", membership_key(1, "staff@example.org"), std::nullopt},
      {"memberships", membership_key(1, "x@example.org"), ""},
      {"errands", account_key(1), "x"},
      {"tls-results", "0000example.net", "x"},
      {"tls-reached", "0000example.net", "x"},
      {"meta", "next-account", encode_record("next-account", AccountId{1})},
      {"meta", "next-account", std::nullopt},
      {"meta", "format", encode_record("format", std::uint32_t{2})},
  };
  const std::string copy = f.path() + "/copy";
  for (const Damage& damage : damages) {
    CAPTURE(damage.table, damage.key);
    std::filesystem::create_directory(copy);
    std::filesystem::copy_file(f.path() + "/data.mdb", copy + "/data.mdb");
    {
      auto env = lmdb::Env::open({.path = copy, .map_size = kMap});
      auto txn = env.write();
      const auto dbi = txn.database(damage.table, lmdb::Txn::Create::no);
      if (damage.value) {
        txn.put(dbi, damage.key, *damage.value);
      } else {
        txn.erase(dbi, damage.key);
      }
      txn.commit();
    }
    CHECK_THROWS_AS(Directory::open(copy, kMap), Damaged);
    std::filesystem::remove_all(copy);
  }
}
