#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "libcommon/lmdb/lmdb.h"

using namespace mailroom;

namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    char name[] = "/tmp/mr-lmdb-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string path;
};

lmdb::Env open_at(const TemporaryDirectory& directory, std::uint64_t map_size = 1 << 24) {
  return lmdb::Env::open({.path = directory.path, .map_size = map_size});
}

lmdb::Dbi make(lmdb::Env& env, const char* name) {
  auto txn = env.write();
  const auto dbi = txn.database(name, lmdb::Txn::Create::yes);
  txn.commit();
  return dbi;
}

}  // namespace

TEST_CASE("what was committed is there, what was not is not") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  const auto dbi = make(env, "rows");
  const auto before = env.last_commit();
  {
    auto txn = env.write();
    txn.put(dbi, "a", "1");
    txn.commit();
  }
  {
    auto txn = env.write();
    txn.put(dbi, "b", "2");
  }
  auto txn = env.read();
  CHECK(txn.get(dbi, "a") == "1");
  CHECK(!txn.get(dbi, "b"));
  CHECK(env.last_commit() == before + 1);
  CHECK(txn.count(dbi) == 1);
}

TEST_CASE("insert keeps what is there, erase says what was there") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  const auto dbi = make(env, "rows");
  auto txn = env.write();
  CHECK(txn.insert(dbi, "k", "first"));
  CHECK(!txn.insert(dbi, "k", "second"));
  CHECK(txn.get(dbi, "k") == "first");
  CHECK(txn.erase(dbi, "k"));
  CHECK(!txn.erase(dbi, "k"));
}

TEST_CASE("a cursor walks in the order of numbers and may erase as it goes") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  const auto dbi = make(env, "rows");
  auto txn = env.write();
  for (std::uint32_t i : {300u, 2u, 70000u, 1u}) {
    std::string key;
    lmdb::append_key(key, i);
    txn.put(dbi, key, "x");
  }
  lmdb::Cursor cursor{txn, dbi};
  std::vector<std::uint32_t> seen;
  for (bool there = cursor.first(); there; there = cursor.next()) {
    seen.push_back(lmdb::parse_key<std::uint32_t>(cursor.key()));
    if (seen.back() == 2) cursor.erase();
  }
  CHECK(seen == std::vector<std::uint32_t>{1, 2, 300, 70000});
  CHECK(txn.count(dbi) == 3);
  std::string from;
  lmdb::append_key(from, std::uint32_t{2});
  REQUIRE(cursor.seek(from));
  CHECK(lmdb::parse_key<std::uint32_t>(cursor.key()) == 300);
  CHECK(cursor.last());
  CHECK(cursor.previous());
}

TEST_CASE("a full map is Kind::full and leaves what was there") {
  TemporaryDirectory directory;
  auto env = open_at(directory, 64 * 1024);
  const auto dbi = make(env, "rows");
  auto kind = lmdb::Error::Kind::failed;
  try {
    for (int i = 0; i < 100; ++i) {
      auto txn = env.write();
      txn.put(dbi, std::to_string(i), std::string(2000, 'x'));
      txn.commit();
    }
  } catch (const lmdb::Error& error) {
    kind = error.kind;
  }
  CHECK(kind == lmdb::Error::Kind::full);
  CHECK(env.read().get(dbi, "0").has_value());
  CHECK(env.fullness() > 0.5);
}

TEST_CASE("what is no environment is Kind::corrupt") {
  TemporaryDirectory directory;
  std::ofstream(directory.path + "/data.mdb") << std::string(8192, 'x');
  try {
    open_at(directory);
    FAIL("opened");
  } catch (const lmdb::Error& error) {
    CHECK(error.kind == lmdb::Error::Kind::corrupt);
  }
}

TEST_CASE("several read transactions at once, and one writer beside them") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  const auto dbi = make(env, "rows");
  auto one = env.read();
  auto two = env.read();
  {
    auto txn = env.write();
    txn.put(dbi, "k", "v");
    txn.commit();
  }
  CHECK(!one.get(dbi, "k"));
  CHECK(!two.get(dbi, "k"));
  CHECK(env.read().get(dbi, "k") == "v");
}

TEST_CASE("a writer that is killed leaves the environment to the next") {
  TemporaryDirectory directory;
  {
    auto env = open_at(directory);
    make(env, "rows");
  }
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto env = open_at(directory);
    auto txn = env.write();
    txn.put(txn.database("rows", lmdb::Txn::Create::no), "k", "uncommitted");
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  auto env = open_at(directory);
  auto txn = env.write();
  const auto dbi = txn.database("rows", lmdb::Txn::Create::no);
  CHECK(!txn.get(dbi, "k"));
  txn.put(dbi, "k", "v");
  CHECK_NOTHROW(txn.commit());
}

TEST_CASE("a database that is not there, and a key that is too long, throw") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  {
    auto txn = env.read();
    CHECK_THROWS_AS(txn.database("none", lmdb::Txn::Create::no), lmdb::Error);
  }
  const auto dbi = make(env, "rows");
  auto txn = env.write();
  CHECK_THROWS_AS(txn.put(dbi, std::string(lmdb::kMaxKey + 1, 'k'), "v"), lmdb::Error);
}

TEST_CASE("a commit with an open cursor is refused") {
  TemporaryDirectory directory;
  auto env = open_at(directory);
  const auto dbi = make(env, "rows");
  auto txn = env.write();
  {
    lmdb::Cursor cursor{txn, dbi};
    CHECK_THROWS_AS(txn.commit(), std::logic_error);
  }
  CHECK_NOTHROW(txn.commit());
}
