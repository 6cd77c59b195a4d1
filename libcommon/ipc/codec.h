// One codec for every struct that crosses a process border or is written to disk.
//
// A struct declares its members once:
//
//   struct CheckPassword { ConnectionId connection{}; std::string login;
//     static auto fields(auto& m) { return std::tie(m.connection, m.login); } };
//
// Encoding: integers and enums little-endian in their own width; bool one octet, 0 or 1; strings and vectors
// a u32 count and the elements; optional one octet, then the value; variant one octet with the index, then
// the alternative; structs and arrays their members in order.  A member that is left out of fields() does not
// compile: the size of the struct must be what its fields account for (padding included).
//
// Decoding trusts nothing: short, long or trailing bytes, bools above 1, enums above E::kLast and counts
// above what the remaining bytes could hold are refused, and nothing is allocated for a count that the input
// cannot back.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mailroom::ipc {

template <typename T>
concept Struct = requires(T& value) {
  T::fields(value);
};

namespace detail {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsArray : std::false_type {};
template <typename T, std::size_t N>
struct IsArray<std::array<T, N>> : std::true_type {};
template <typename T>
struct IsVariant : std::false_type {};
template <typename... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

// The size and alignment that a struct of exactly these members would have: catches a member left out of
// fields().
template <typename... M>
consteval std::size_t laid_out_size(std::tuple<M&...>*) {
  std::size_t at = 0, align = 1;
  ((at = (at + alignof(M) - 1) / alignof(M) * alignof(M) + sizeof(M), align = std::max(align, alignof(M))),
   ...);
  const std::size_t size = (at + align - 1) / align * align;
  return size == 0 ? 1 : size;
}

template <typename T>
using FieldsOf = decltype(T::fields(std::declval<T&>()));

template <Struct T>
consteval bool all_fields_listed() {
  if constexpr (std::tuple_size_v<FieldsOf<T>> == 0) {
    return std::is_empty_v<T>;
  } else {
    return sizeof(T) == laid_out_size(static_cast<FieldsOf<T>*>(nullptr));
  }
}

}  // namespace detail

// A string that is long enough that to copy it would cost more than to send it from where it is.
inline constexpr std::size_t kLongString = 4096;
struct LeftOut {
  std::size_t at = 0;     // where it belongs in what was encoded
  std::string_view text;  // of the message
};

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_{out} {}
  // The first long string is not copied: its length is written, and itself noted in `left_out`.
  Encoder(std::string& out, LeftOut& left_out) : out_{out}, left_out_{&left_out} {}

  template <typename T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.push_back(value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::integral<T>) {
      char bytes[sizeof(T)];
      std::memcpy(bytes, &value,
                  sizeof(T));  // little-endian, as every machine that Debian 12 releases for but s390x
      out_.append(bytes, sizeof(T));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      const std::string_view text = value;
      put(static_cast<std::uint32_t>(text.size()));
      if (left_out_ != nullptr && text.size() >= kLongString)
        *std::exchange(left_out_, nullptr) = {out_.size(), text};
      else
        out_.append(text);
    } else if constexpr (detail::IsVector<T>::value) {
      put(static_cast<std::uint32_t>(value.size()));
      for (const auto& element : value) put(element);
    } else if constexpr (detail::IsArray<T>::value) {
      for (const auto& element : value) put(element);
    } else if constexpr (detail::IsOptional<T>::value) {
      put(value.has_value());
      if (value) put(*value);
    } else if constexpr (detail::IsVariant<T>::value) {
      static_assert(std::variant_size_v<T> <= 255);
      put(static_cast<std::uint8_t>(value.index()));
      std::visit([&](const auto& alternative) { put(alternative); }, value);
    } else {
      static_assert(Struct<T>, "a type the codec does not know");
      static_assert(detail::all_fields_listed<T>(), "a member is missing from fields()");
      std::apply([&](const auto&... member) { (this->put(member), ...); }, T::fields(value));
    }
  }

 private:
  std::string& out_;
  LeftOut* left_out_ = nullptr;
};

class Decoder {
 public:
  explicit Decoder(std::string_view in) : in_{in} {}

  bool finished() const { return in_.empty(); }
  std::string_view rest() const { return in_; }

  template <typename T>
  [[nodiscard]] bool get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t octet = 0;
      if (!get(octet) || octet > 1) return false;
      value = octet == 1;
      return true;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      if (!get(number) || number < 0 || number > static_cast<std::underlying_type_t<T>>(T::kLast))
        return false;
      value = static_cast<T>(number);
      return true;
    } else if constexpr (std::integral<T>) {
      if (in_.size() < sizeof(T)) return false;
      std::memcpy(&value, in_.data(), sizeof(T));
      in_.remove_prefix(sizeof(T));
      return true;
    } else if constexpr (std::is_same_v<T, std::string>) {
      std::uint32_t size = 0;
      if (!get(size) || size > in_.size()) return false;
      value.assign(in_.substr(0, size));
      in_.remove_prefix(size);
      return true;
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      // Points into the input; for callers that keep the packet alive.
      std::uint32_t size = 0;
      if (!get(size) || size > in_.size()) return false;
      value = in_.substr(0, size);
      in_.remove_prefix(size);
      return true;
    } else if constexpr (detail::IsVector<T>::value) {
      return get_vector(value);
    } else if constexpr (detail::IsArray<T>::value) {
      for (auto& element : value)
        if (!get(element)) return false;
      return true;
    } else if constexpr (detail::IsOptional<T>::value) {
      bool there = false;
      if (!get(there)) return false;
      value.reset();
      return !there || get(value.emplace());
    } else if constexpr (detail::IsVariant<T>::value) {
      std::uint8_t index = 0;
      return get(index) && get_alternative<0>(value, index);
    } else {
      static_assert(Struct<T>, "a type the codec does not know");
      static_assert(detail::all_fields_listed<T>(), "a member is missing from fields()");
      return std::apply([&](auto&... member) { return (this->get(member) && ...); }, T::fields(value));
    }
  }

 private:
  template <typename T>
  bool get_vector(std::vector<T>& value) {
    std::uint32_t count = 0;
    if (!get(count) || count > in_.size()) return false;  // every element takes at least one octet
    value.clear();
    for (std::uint32_t i = 0; i < count; ++i)
      if (!get(value.emplace_back())) return false;
    return true;
  }

  template <std::size_t I, typename... T>
  bool get_alternative(std::variant<T...>& value, std::uint8_t index) {
    if constexpr (I < sizeof...(T)) {
      if (index == I) return get(value.template emplace<I>());
      return get_alternative<I + 1>(value, index);
    } else {
      return false;
    }
  }

  std::string_view in_;
};

template <typename T>
std::string encode(const T& value) {
  std::string out;
  Encoder{out}.put(value);
  return out;
}

// The value, if `bytes` hold exactly one.
template <typename T>
std::optional<T> decode(std::string_view bytes) {
  std::optional<T> value{std::in_place};
  Decoder decoder{bytes};
  if (!decoder.get(*value) || !decoder.finished()) value.reset();
  return value;
}

}  // namespace mailroom::ipc
