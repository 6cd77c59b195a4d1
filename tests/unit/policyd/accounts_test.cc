#include "tests/unit/policyd/fixture.h"

using namespace mailroom;
using namespace mailroom::test;

TEST_CASE("an account is there, with its directory, before the tool hears of it") {
  Policyd p;
  p.supervisor = [](const ProcessToSupervisor&) {};  // takes its time
  p.tool.send(AddAccounts{{{"Alice", state::kUsualServices, true}}});
  p.pump();
  REQUIRE(p.told.size() == 1);
  const AccountId id = std::get<MakeAccountDirectories>(p.told[0]).accounts.at(0);
  CHECK_FALSE(p.tool.next());
  p.server->on_supervisor(AccountDirectoriesMade{{id}, {}});
  p.pump();
  const auto added = p.tool.next_as<AccountsAdded>();
  REQUIRE(added);
  CHECK(added->results[0].name == "alice");
  CHECK(added->results[0].account == id);
  const auto shown = p.ask<AccountShown>(ShowAccount{"ALICE"});
  CHECK(shown.facts.services == state::kUsualServices);
  CHECK(shown.addresses == std::vector<std::string>{"alice@example.org", "alice@cs.example.org"});
}

TEST_CASE("accounts of one request stand and fall by themselves") {
  Policyd p;
  p.add("alice");
  const auto added =
      p.ask<AccountsAdded>(AddAccounts{{{"bob", 7, true}, {"alice", 7, true}, {"../x", 7, true}}});
  CHECK(added.results[0].account == 2);
  CHECK(added.results[1].account == 0);
  CHECK_FALSE(added.results[1].problem.empty());
  CHECK(added.results[2].account == 0);
  CHECK(p.ask<ToolRefused>(AddAccounts{std::vector<NewAccount>(kMaxNewAccounts + 1)}).reason != "");
}

TEST_CASE("a directory that could not be made is told, and asked for again at the next start") {
  Policyd p;
  p.directories_can_be_made = false;
  const auto added = p.ask<AccountsAdded>(AddAccounts{{{"alice", 7, true}}});
  CHECK(added.results[0].account == 1);
  CHECK_FALSE(added.results[0].problem.empty());
  p.directories_can_be_made = true;
  p.told.clear();
  p.supervisor = [](const ProcessToSupervisor&) {};
  p.start();
  REQUIRE(p.told.size() == 1);
  CHECK(std::get<MakeAccountDirectories>(p.told[0]).accounts.at(0) == 1);
  p.server->on_supervisor(AccountDirectoriesMade{{1}, {}});
  p.told.clear();
  p.start();
  CHECK(p.told.empty());
}

TEST_CASE("a removed account's directory is put aside, also after a crash; its id is not used again") {
  Policyd p;
  p.add("alice");
  p.told.clear();
  p.ask(RemoveAccount{"alice"});
  REQUIRE(p.told.size() == 1);
  CHECK(std::get<RemoveAccountDirectory>(p.told[0]).account == 1);
  CHECK(p.ask<ToolRefused>(RemoveAccount{"alice"}).reason != "");
  p.told.clear();
  p.start();
  CHECK(p.told.size() == 1);
  p.told.clear();
  p.start();
  CHECK(p.told.empty());
  CHECK(p.add("alice") == 2);
}

TEST_CASE("lists come in pages") {
  Policyd p;
  AddAccounts many;
  for (int i = 100; i < 300; ++i) many.accounts.push_back({"u" + std::to_string(i), 7, true});
  CHECK(p.ask<AccountsAdded>(many).results.size() == 200);
  const auto first = p.ask<AccountPage>(ListAccounts{""});
  CHECK(first.accounts.size() == kPageSize);
  CHECK_FALSE(first.last);
  const auto second = p.ask<AccountPage>(ListAccounts{first.accounts.back().name});
  CHECK(second.accounts.size() == kPageSize);
  const auto third = p.ask<AccountPage>(ListAccounts{second.accounts.back().name});
  CHECK(third.accounts.empty());
  CHECK(third.last);

  std::vector<std::string> names;
  for (const auto& account : many.accounts) names.push_back(account.name);
  for (int i = 0; i < 90; ++i) p.ask(SetAlias{"list" + std::to_string(i) + "@example.org", names});
  std::size_t seen = 0;
  std::string after;
  for (bool last = false; !last;) {
    const auto page = p.ask<AliasPage>(ListAliases{after});
    REQUIRE_FALSE(page.aliases.empty());
    seen += page.aliases.size();
    after = page.aliases.back().address;
    last = page.last;
  }
  CHECK(seen == 90);
}

TEST_CASE("tools are refused in words") {
  Policyd p;
  p.add("alice");
  CHECK(p.ask<ToolRefused>(ShowAccount{"bob"}).reason == "there is no such account");
  CHECK(p.ask<ToolRefused>(ChangeAccount{.name = "bob"}).reason == "there is no such account");
  CHECK(p.ask<ToolRefused>(SetAlias{"x@example.org", {"bob"}}).reason == "there is no account bob");
  CHECK(p.ask<ToolRefused>(SetAlias{"x y", {"alice"}}).reason == "not an address that can be given away");
  CHECK(p.ask<ToolRefused>(SetAlias{"x@example.org", {}}).reason == "there is no such alias");
}

TEST_CASE("a tool that sends garbage is cut off, and policyd goes on") {
  Policyd p;
  p.tool.send_raw("\xff");
  p.pump();
  CHECK(p.tool.is_closed());
  auto [ours, theirs] = ipc::make_channel();
  p.server->add_tool(std::move(ours));
  p.tool = Tool{std::move(theirs)};
  p.add("alice");
}

TEST_CASE("a thousand accounts are made in five requests, quickly") {
  Policyd p;
  const auto began = std::chrono::steady_clock::now();
  for (int batch = 0; batch < 5; ++batch) {
    AddAccounts many;
    for (int i = 0; i < 200; ++i) many.accounts.push_back({"u" + std::to_string(batch * 200 + i), 7, true});
    p.tool.send(many);
    std::optional<AccountsAdded> added;
    while (!(added = p.tool.next_as<AccountsAdded>())) p.pump();
    CHECK(added->results.size() == 200);
  }
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{10});
}
