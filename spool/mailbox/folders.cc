// The hierarchy of folders: list, create, delete, rename, subscribe.
#include <algorithm>
#include <map>

#include "spool/mailbox/account.h"
#include "spool/mailbox/folder_name.h"
#include "spool/mailbox/state.h"

namespace mailroom::mailbox {
namespace {

using Listing = std::map<std::string, ListEntry, std::less<>>;

// The name itself and, as names without a folder so far, all levels above it.
ListEntry& enter(Listing& listing, std::string_view name) {
  for (auto parent = parent_name(name); !parent.empty(); parent = parent_name(parent)) {
    ListEntry& entry = listing.try_emplace(std::string{parent}).first->second;
    entry.has_children = true;
  }
  return listing.try_emplace(std::string{name}).first->second;
}

Listing read_listing(const Index& index) {
  Listing listing;
  for_prefix(index, index.db().names, "", [&](std::string_view name, std::string_view value) {
    ListEntry& entry = enter(listing, name);
    entry.folder = lmdb::parse_key<FolderId>(value);
    if (const auto row = index.folder(entry.folder)) entry.use = row->use;
    return true;
  });
  for (auto& [name, entry] : listing) {
    entry.name = name;
    entry.subscribed = index.txn().get(index.db().subscribed, name).has_value();
  }
  return listing;
}

bool name_is_taken(const Index& index, const std::string& name) {
  if (index.named(name)) return true;
  bool has_children = false;
  for_prefix(index, index.db().names, name + kDelimiter, [&](std::string_view, std::string_view) {
    has_children = true;
    return false;
  });
  return has_children;
}

void create_parents(Change& change, std::string_view name) {
  const std::string parent{parent_name(name)};
  if (parent.empty() || change.index().named(parent)) return;
  create_parents(change, parent);
  change.create_folder(parent, SpecialUse::none);
}

void require_free_use(const Index& index, SpecialUse use, FolderId except) {
  if (use == SpecialUse::none) return;
  for (const auto& [name, entry] : read_listing(index))
    if (entry.use == use && entry.folder != except)
      refuse(Failure::Code::not_allowed, name + " has this use");
}

FolderId create_new(Change& change, const std::string& name, SpecialUse use) {
  if (change.index().named(name)) refuse(Failure::Code::folder_exists, name);
  create_parents(change, name);
  return change.create_folder(name, use);
}

void erase_prefix(const Index& index, lmdb::Dbi dbi, std::string_view prefix) {
  lmdb::Cursor cursor{index.txn(), dbi};
  for (bool there = cursor.seek(prefix); there && cursor.key().starts_with(prefix); there = cursor.next())
    cursor.erase();
}

void erase_folder(Change& change, FolderId id, const std::string& name) {
  Index& index = change.index();
  index.set(id, SetKind::existing).for_each([&](Uid uid) {
    if (const auto row = index.message(id, uid)) change.drop_reference(row->file);
  });
  const auto& db = index.db();
  for (const auto dbi : {db.messages, db.changed, db.expunged, db.sets, db.uidls, db.uidl_owners})
    erase_prefix(index, dbi, Key{id});
  index.txn().erase(db.folders, Key{id});
  index.txn().erase(db.names, name);
  change.forget_folder(id);
}

// ---- RENAME ----

void rename_one(Change& change, const std::string& from, const std::string& to) {
  Index& index = change.index();
  if (canonical_folder_name(to) != to) refuse(Failure::Code::bad_name, to);
  const auto id = index.named(from);
  if (!id) throw CorruptRow("name that vanished");
  change.folder(*id).row().name = to;
  index.txn().erase(index.db().names, from);
  index.txn().put(index.db().names, to, Key{*id});
}

std::vector<std::string> names_at_and_below(const Index& index, const std::string& top) {
  std::vector<std::string> names;
  if (index.named(top)) names.push_back(top);
  for_prefix(index, index.db().names, top + kDelimiter, [&](std::string_view name, std::string_view) {
    names.emplace_back(name);
    return true;
  });
  return names;
}

void rename_tree(Change& change, const std::string& from, const std::string& to) {
  const auto names = names_at_and_below(change.index(), from);
  if (names.empty()) refuse(Failure::Code::no_such_folder, from);
  if (to.starts_with(from + kDelimiter)) refuse(Failure::Code::not_allowed, to);
  create_parents(change, to);
  for (const std::string& name : names) rename_one(change, name, to + name.substr(from.size()));
}

// RFC 3501 6.3.5: INBOX stays, its messages go.
void rename_inbox(Change& change, const std::string& to) {
  const FolderId target = create_new(change, to, SpecialUse::none);
  move_messages(change, kInbox, change.index().set(kInbox, SetKind::existing), target);
}

std::string_view without_trailing_delimiter(std::string_view name) {
  if (name.ends_with(kDelimiter)) name.remove_suffix(1);
  return name;
}

}  // namespace

Result<std::vector<ListEntry>> Mailbox::list() {
  return guarded([&] {
    auto txn = state_->env.read();
    Listing listing = read_listing(state_->index(txn));
    std::vector<ListEntry> entries;
    entries.reserve(listing.size());
    if (const auto inbox = listing.extract("INBOX")) entries.push_back(inbox.mapped());
    for (auto& [name, entry] : listing) entries.push_back(std::move(entry));
    return entries;
  });
}

Result<std::vector<std::string>> Mailbox::subscriptions() {
  return guarded([&] {
    auto txn = state_->env.read();
    const Index index = state_->index(txn);
    std::vector<std::string> names;
    for_prefix(index, index.db().subscribed, "", [&](std::string_view name, std::string_view) {
      names.emplace_back(name);
      return true;
    });
    return names;
  });
}

Result<void> Mailbox::subscribe(std::string_view name) {
  return guarded([&] {
    Change change{*state_};
    const std::string canonical = require_canonical(name);
    auto& txn = change.index().txn();
    if (txn.count(state_->db.subscribed) >= 2 * kMaxFolders)
      refuse(Failure::Code::too_many_folders, canonical);
    if (txn.insert(state_->db.subscribed, canonical, "")) change.commit();
  });
}

Result<void> Mailbox::unsubscribe(std::string_view name) {
  return guarded([&] {
    Change change{*state_};
    if (change.index().txn().erase(state_->db.subscribed, require_canonical(name))) change.commit();
  });
}

Result<FolderId> Mailbox::create(std::string_view name, SpecialUse use) {
  return guarded([&] {
    const std::string canonical = require_canonical(without_trailing_delimiter(name));
    Change change{*state_};
    require_free_use(change.index(), use, 0);
    const FolderId id = create_new(change, canonical, use);
    change.commit();
    return id;
  });
}

Result<void> Mailbox::remove_folder(std::string_view name) {
  return guarded([&] {
    const std::string canonical = require_canonical(name);
    Change change{*state_};
    if (canonical == "INBOX") refuse(Failure::Code::not_allowed, canonical);
    const auto id = change.index().named(canonical);
    if (!id) {
      const bool noselect = name_is_taken(change.index(), canonical);
      refuse(noselect ? Failure::Code::not_allowed : Failure::Code::no_such_folder, canonical);
    }
    erase_folder(change, *id, canonical);
    change.commit();
  });
}

Result<void> Mailbox::rename(std::string_view from, std::string_view to) {
  return guarded([&] {
    const std::string source = require_canonical(from);
    const std::string target = require_canonical(without_trailing_delimiter(to));
    Change change{*state_};
    if (name_is_taken(change.index(), target)) refuse(Failure::Code::folder_exists, target);
    if (source == "INBOX") {
      rename_inbox(change, target);
    } else {
      rename_tree(change, source, target);
    }
    change.commit();
  });
}

Result<void> Mailbox::set_special_use(std::string_view name, SpecialUse use) {
  return guarded([&] {
    Change change{*state_};
    const FolderId id = require_name(change.index(), name);
    require_free_use(change.index(), use, id);
    change.folder(id).row().use = use;
    change.commit();
  });
}

}  // namespace mailroom::mailbox
