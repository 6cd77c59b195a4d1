// Opening the account's directory and its index, and setting a broken index aside.
#pragma once

#include <memory>

#include "spool/mailbox/state.h"

namespace mailroom::mailbox {

// Every open mailbox holds a shared lock on the account's directory; what replaces the index takes it
// exclusively.
enum class AccountLock : std::uint8_t { shared, exclusive };

// Makes and opens the directories.  refuse(in_use) when the lock cannot be had at once.
std::unique_ptr<Mailbox::State> open_account(Options options, AccountLock lock);

// Opens or makes the environment and its databases, and fills an empty one (rebuild).  One that LMDB refuses
// is set aside first, if no other process has the account open.
void open_index(Mailbox::State& state);

// Opens the environment and its databases, nothing more.
void open_environment(Mailbox::State& state);

// The next open_index() that has the account alone sets the index aside.
void condemn_index(const Mailbox::State& state) noexcept;

// index/data.mdb becomes index/data.mdb.broken, in the place of an earlier one.  Needs the exclusive lock.
void set_index_aside(Mailbox::State& state);

// The folder's id, or refuse(no_such_folder); refuse(bad_name).
FolderId require_name(const Index& index, std::string_view name);
std::string require_canonical(std::string_view name);

}  // namespace mailroom::mailbox
