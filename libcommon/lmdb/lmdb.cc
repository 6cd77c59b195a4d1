#include "libcommon/lmdb/lmdb.h"

#include <lmdb.h>

#include <cerrno>
#include <utility>

namespace mailroom::lmdb {
namespace {

Error::Kind kind_of(int rc) {
  switch (rc) {
  case MDB_MAP_FULL:
  case MDB_TXN_FULL:
  case ENOSPC:
  case EDQUOT:
    return Error::Kind::full;
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_INVALID:
  case MDB_VERSION_MISMATCH:
  case MDB_INCOMPATIBLE:
  case MDB_BAD_TXN:
    return Error::Kind::corrupt;
  case MDB_PANIC:
    return Error::Kind::lost;
  case MDB_READERS_FULL:
    return Error::Kind::busy;
  default:
    return Error::Kind::failed;
  }
}

void check(int rc, const char* what) {
  if (rc != MDB_SUCCESS) throw Error(kind_of(rc), std::string(what) + ": " + mdb_strerror(rc));
}

MDB_val to_val(std::string_view octets) { return {octets.size(), const_cast<char*>(octets.data())}; }

std::string_view to_view(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

}  // namespace

struct Env::State {
  MDB_env* env = nullptr;
  std::function<void(const char*)> on_broken;
  MDB_txn* idle_reader = nullptr;  // reset: it keeps its slot in the lock file but pins nothing
  ~State() {
    if (idle_reader != nullptr) mdb_txn_abort(idle_reader);
    if (env != nullptr) mdb_env_close(env);
  }
};

namespace {

void on_assertion(MDB_env* env, const char* what) {
  const auto& state = *static_cast<Env::State*>(mdb_env_get_userctx(env));
  if (state.on_broken) state.on_broken(what);
}

}  // namespace

Env::Env(std::unique_ptr<State> state) : state_{std::move(state)} {}
Env::Env() noexcept = default;
Env::Env(Env&&) noexcept = default;
Env& Env::operator=(Env&&) noexcept = default;
Env::~Env() = default;

Env Env::open(const Options& options) {
  auto state = std::make_unique<State>();
  check(mdb_env_create(&state->env), "mdb_env_create");
  state->on_broken = options.on_broken;
  check(mdb_env_set_userctx(state->env, state.get()), "mdb_env_set_userctx");
  check(mdb_env_set_assert(state->env, on_assertion), "mdb_env_set_assert");
  check(mdb_env_set_mapsize(state->env, options.map_size), "mdb_env_set_mapsize");
  check(mdb_env_set_maxdbs(state->env, options.max_databases), "mdb_env_set_maxdbs");
  check(mdb_env_set_maxreaders(state->env, options.max_readers), "mdb_env_set_maxreaders");
  check(mdb_env_open(state->env, options.path.c_str(), MDB_NOTLS, 0600), "mdb_env_open");
  int dead = 0;
  check(mdb_reader_check(state->env, &dead), "mdb_reader_check");
  return Env{std::move(state)};
}

Txn Env::read() {
  MDB_txn* txn = std::exchange(state_->idle_reader, nullptr);
  if (txn == nullptr) {
    check(mdb_txn_begin(state_->env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin");
  } else if (const int rc = mdb_txn_renew(txn); rc != MDB_SUCCESS) {
    mdb_txn_abort(txn);
    check(rc, "mdb_txn_renew");
  }
  return Txn{state_.get(), txn, false};
}

Txn Env::write() {
  MDB_txn* txn = nullptr;
  check(mdb_txn_begin(state_->env, nullptr, 0, &txn), "mdb_txn_begin");
  return Txn{state_.get(), txn, true};
}

std::uint64_t Env::last_commit() const {
  MDB_envinfo info{};
  check(mdb_env_info(state_->env, &info), "mdb_env_info");
  return info.me_last_txnid;
}

double Env::fullness() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  check(mdb_env_info(state_->env, &info), "mdb_env_info");
  check(mdb_env_stat(state_->env, &stat), "mdb_env_stat");
  return static_cast<double>(info.me_last_pgno + 1) * stat.ms_psize / static_cast<double>(info.me_mapsize);
}

Txn::Txn(Txn&& other) noexcept
    : state_{other.state_}, txn_{std::exchange(other.txn_, nullptr)}, writes_{other.writes_} {}

Txn::~Txn() { end(); }

void Txn::end() noexcept {
  MDB_txn* txn = std::exchange(txn_, nullptr);
  if (txn == nullptr) return;
  if (writes_ || state_->idle_reader != nullptr) {
    mdb_txn_abort(txn);
  } else {
    mdb_txn_reset(txn);
    state_->idle_reader = txn;
  }
}

Dbi Txn::database(const char* name, Create create) {
  Dbi dbi;
  check(mdb_dbi_open(txn_, name, create == Create::yes ? MDB_CREATE : 0, &dbi.handle), "mdb_dbi_open");
  return dbi;
}

std::optional<std::string_view> Txn::get(Dbi dbi, std::string_view key) const {
  MDB_val k = to_val(key), v{};
  const int rc = mdb_get(txn_, dbi.handle, &k, &v);
  if (rc == MDB_NOTFOUND) return std::nullopt;
  check(rc, "mdb_get");
  return to_view(v);
}

void Txn::put(Dbi dbi, std::string_view key, std::string_view value) {
  MDB_val k = to_val(key), v = to_val(value);
  check(mdb_put(txn_, dbi.handle, &k, &v, 0), "mdb_put");
}

bool Txn::insert(Dbi dbi, std::string_view key, std::string_view value) {
  MDB_val k = to_val(key), v = to_val(value);
  const int rc = mdb_put(txn_, dbi.handle, &k, &v, MDB_NOOVERWRITE);
  if (rc == MDB_KEYEXIST) return false;
  check(rc, "mdb_put");
  return true;
}

bool Txn::erase(Dbi dbi, std::string_view key) {
  MDB_val k = to_val(key);
  const int rc = mdb_del(txn_, dbi.handle, &k, nullptr);
  if (rc == MDB_NOTFOUND) return false;
  check(rc, "mdb_del");
  return true;
}

std::uint64_t Txn::count(Dbi dbi) const {
  MDB_stat stat{};
  check(mdb_stat(txn_, dbi.handle, &stat), "mdb_stat");
  return stat.ms_entries;
}

void Txn::clear(Dbi dbi) { check(mdb_drop(txn_, dbi.handle, 0), "mdb_drop"); }

void Txn::commit() {
  if (cursors_ != 0) throw std::logic_error("commit with an open cursor");
  MDB_txn* txn = std::exchange(txn_, nullptr);
  check(mdb_txn_commit(txn), "mdb_txn_commit");
}

Cursor::Cursor(Txn& txn, Dbi dbi) : txn_{txn} {
  check(mdb_cursor_open(txn.txn_, dbi.handle, &cursor_), "mdb_cursor_open");
  ++txn_.cursors_;
}

Cursor::~Cursor() {
  mdb_cursor_close(cursor_);
  --txn_.cursors_;
}

bool Cursor::move(int operation, std::string_view key) {
  MDB_val k = to_val(key), v{};
  const int rc = mdb_cursor_get(cursor_, &k, &v, static_cast<MDB_cursor_op>(operation));
  if (rc == MDB_NOTFOUND) return false;
  check(rc, "mdb_cursor_get");
  key_ = to_view(k);
  value_ = to_view(v);
  return true;
}

bool Cursor::first() { return move(MDB_FIRST); }
bool Cursor::last() { return move(MDB_LAST); }
bool Cursor::next() { return move(MDB_NEXT); }
bool Cursor::previous() { return move(MDB_PREV); }
bool Cursor::seek(std::string_view key) { return key.empty() ? first() : move(MDB_SET_RANGE, key); }

void Cursor::erase() { check(mdb_cursor_del(cursor_, 0), "mdb_cursor_del"); }

}  // namespace mailroom::lmdb
