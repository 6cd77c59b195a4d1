// The door to LMDB: environments, transactions and cursors with one owner each.  Nothing else includes
// <lmdb.h>.
//
// Flags are fixed to the safe ones: every commit is synced before commit() returns; no WRITEMAP, NOSYNC or
// NOLOCK; MDB_NOTLS, so that a read transaction belongs to its object and not to a thread.  One process, one
// uid, one environment object for each directory; open it after fork, never before.
//
// Failures throw lmdb::Error.  A lookup that finds nothing is not a failure.  Views that get() and cursors
// return point into the map and live until the transaction ends or, in a write transaction, until its next
// change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace mailroom::lmdb {

struct Error : std::runtime_error {
  enum class Kind {
    full,     // the map or the disk is full: nothing was changed, what is there can still be read
    corrupt,  // not an environment, or its pages contradict each other
    lost,     // a write failed halfway: nothing works any more until it is opened afresh, and is sound then
    busy,     // all reader slots are taken
    failed,   // anything else: input/output, permission, memory
  };
  Error(Kind k, const std::string& what) : std::runtime_error(what), kind{k} {}
  Kind kind;
};

// Longest key LMDB is built for; put() of a longer one throws.
inline constexpr std::size_t kMaxKey = 511;

struct Dbi {
  unsigned handle = 0;
};

struct Options {
  std::string path;  // an existing directory, private to the caller's uid
  std::uint64_t map_size = std::uint64_t{16}
                           << 30;  // reserved address space; the file grows only as it fills
  unsigned max_databases = 16;
  unsigned max_readers = 126;
  // LMDB has found pages that contradict each other where it has no way to say so: when this returns, the
  // process is aborted.
  std::function<void(const char* what)> on_broken;
};

class Txn;

class Env {
 public:
  // Opens or creates, and frees the reader slots of processes that died.
  static Env open(const Options& options);

  Env() noexcept;  // none yet; nothing may be called
  Env(Env&&) noexcept;
  Env& operator=(Env&&) noexcept;
  ~Env();

  // A consistent view.  Cheap (the reader slot is kept between uses).  Never hold one across a wait: it pins
  // pages.
  Txn read();
  // Waits for the environment's one writer, in whatever process.  Sees all earlier commits.
  Txn write();

  // Number of the newest commit, read without a transaction: equal means nothing has changed.
  std::uint64_t last_commit() const;

  // Fraction of the map in use, 0 to 1, for alarms.
  double fullness() const;

  struct State;

 private:
  explicit Env(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Ends without effect unless commit() returned.
class Txn {
 public:
  Txn(Txn&& other) noexcept;
  Txn& operator=(Txn&&) = delete;
  ~Txn();

  // Opens a named database; with `create` (write transactions only) makes it.  A handle opened in a
  // transaction that commits is good for the life of the environment.  Throws when it is not there.
  enum class Create { no, yes };
  Dbi database(const char* name, Create create);

  std::optional<std::string_view> get(Dbi dbi, std::string_view key) const;
  void put(Dbi dbi, std::string_view key, std::string_view value);
  // False, and nothing is changed, when the key is there already.
  bool insert(Dbi dbi, std::string_view key, std::string_view value);
  // False when there was no such key.
  bool erase(Dbi dbi, std::string_view key);
  std::uint64_t count(Dbi dbi) const;
  // Removes every key of the database.
  void clear(Dbi dbi);

  // On disk when it returns.  After an Error the transaction is gone and nothing was changed.  No cursor may
  // be open: LMDB would close it, and its owner once more.
  void commit();

 private:
  friend class Env;
  friend class Cursor;
  Txn(Env::State* state, MDB_txn* txn, bool writes) : state_{state}, txn_{txn}, writes_{writes} {}
  void end() noexcept;
  Env::State* state_;
  MDB_txn* txn_;
  bool writes_;
  unsigned cursors_ = 0;
};

// Walks keys in order of their octets.  Ends before its transaction does.
class Cursor {
 public:
  Cursor(Txn& txn, Dbi dbi);
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  // Each moves and says whether there is an entry; key() and value() are then that entry's.
  bool first();
  bool last();
  bool next();
  bool previous();
  // To the first entry whose key is not less than `key`.
  bool seek(std::string_view key);

  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

  // Removes the current entry; next() then moves to the one after it.
  void erase();

 private:
  bool move(int operation, std::string_view key = {});
  Txn& txn_;
  MDB_cursor* cursor_ = nullptr;
  std::string_view key_;
  std::string_view value_;
};

// Big-endian octets of an unsigned integer, so that keys sort as their numbers do.  `key` is a std::string or
// the like.
template <typename T, typename Octets>
void append_key(Octets& key, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    key.push_back(static_cast<char>(number >> shift & 0xFF));
}

// The reverse; `octets` must be sizeof(T) long.
template <typename T>
T parse_key(std::string_view octets) {
  T number = 0;
  for (const char octet : octets.substr(0, sizeof(T)))
    number = static_cast<T>(number << 8 | static_cast<unsigned char>(octet));
  return number;
}

}  // namespace mailroom::lmdb
