#include "spool/queue/incoming.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace mailroom::queue {
namespace {

Incoming::Problem problem_of(Errno error) {
  if (error == 0) return Incoming::Problem::none;
  return error == ENOSPC || error == EDQUOT ? Incoming::Problem::no_space : Incoming::Problem::failed;
}

}  // namespace

std::string content_file_name(Id id) { return fmt::format("{}/{}", kContentDirectory, id_text(id)); }

Incoming::~Incoming() {
  if (file_ && !keep_file_) (void)storage_.remove(content_file_name(id_));
}

Incoming::Problem Incoming::add(std::string&& bytes) {
  hash_.update(bytes);
  length_ += bytes.size();
  if (!file_ && length_ > memory_size_)
    if (const Problem problem = move_to_file(); problem != Problem::none) return problem;
  if (file_) return write(std::array{std::string_view{bytes}});
  return content_->add(std::move(bytes)) ? Problem::none : Problem::no_memory;
}

Incoming::Problem Incoming::move_to_file() {
  auto made = storage_.create(content_file_name(id_));
  if (!made) return problem_of(made.error());
  file_ = std::move(*made);
  const std::vector<std::string_view> parts{content_->pieces().begin(), content_->pieces().end()};
  const Problem problem = write(parts);
  content_->clear();
  return problem;
}

Incoming::Problem Incoming::write(std::span<const std::string_view> parts) {
  const Errno error = file_->write(parts, written_);
  for (const std::string_view part : parts) written_ += part.size();
  return problem_of(error);
}

}  // namespace mailroom::queue
