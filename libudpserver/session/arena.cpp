#include "libudpserver/session/arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

#include "libudpserver/net/steering.hpp"

namespace session {

namespace {

/// Changes whenever the meaning of a byte in the arena does.
constexpr std::uint64_t this_layout = 0x70'72'6f'78'79'64'00'08;

/// All that the arena says about itself. Its sizes and its layout are known to the parent, which lets no REG
/// of another layout map it, so that nothing a REG writes can mislead the next one about them.
struct alignas(64) Header {
    Arena::Content content;
};

/// A few changed bits do not turn one mark into the other; anything else is `awaited`, which believes less.
Arena::Content nearest(Arena::Content content) {
    const std::uint64_t difference =
        static_cast<std::uint64_t>(content) ^ static_cast<std::uint64_t>(Arena::Content::complete);
    return std::popcount(difference) <= 8 ? Arena::Content::complete : Arena::Content::awaited;
}

constexpr std::size_t totals_at = sizeof(Header);
constexpr std::size_t aligned(std::size_t size) {
    return (size + 63) / 64 * 64;
}
constexpr std::size_t refused_at = aligned(totals_at + max_workers * sizeof(Totals));
constexpr std::size_t pool_at = aligned(refused_at + max_refused_clients * sizeof(RefusedClient));

constexpr std::size_t records_at(std::size_t pool_sockets) {
    return aligned(pool_at + pool_sockets * sizeof(PoolEntry));
}

[[noreturn]] void fail(const char* step) {
    throw std::system_error(errno, std::generic_category(), step);
}

}  // namespace

Arena::Arena(base::UniqueFd fd, std::size_t sessions, std::size_t pool_sockets)
    : fd_(std::move(fd)),
      sessions_(sessions),
      pool_sockets_(pool_sockets),
      size_(records_at(pool_sockets) + sessions * sizeof(Record)) {}

Arena::Arena(Arena&& other) noexcept
    : fd_(std::move(other.fd_)),
      sessions_(other.sessions_),
      pool_sockets_(other.pool_sockets_),
      size_(other.size_),
      memory_(std::exchange(other.memory_, nullptr)),
      records_(other.records_),
      pool_(other.pool_),
      totals_(other.totals_),
      refused_(other.refused_) {}

Arena::~Arena() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
}

Arena& Arena::operator=(Arena&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(sessions_, other.sessions_);
    std::swap(pool_sockets_, other.pool_sockets_);
    std::swap(size_, other.size_);
    std::swap(memory_, other.memory_);
    std::swap(records_, other.records_);
    std::swap(pool_, other.pool_);
    std::swap(totals_, other.totals_);
    std::swap(refused_, other.refused_);
    return *this;
}

Arena Arena::create(std::size_t sessions, std::size_t pool_sockets, Content content) {
    base::UniqueFd fd(::memfd_create("proxyd-sessions", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) fail("session arena: memfd_create");
    Arena arena(std::move(fd), sessions, pool_sockets);
    if (::ftruncate(arena.descriptor(), static_cast<off_t>(arena.size_)) != 0)
        fail("session arena: ftruncate");
    const Header header{content};
    if (::pwrite(arena.descriptor(), &header, sizeof header, 0) != sizeof header)
        fail("session arena: write");
    // A broken REG can neither shrink the memory under its successor nor fill the machine with it.
    if (::fcntl(arena.descriptor(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        fail("session arena: seal");
    }
    return arena;
}

// A change of a table's size is a change of the layout, even if this_layout was not changed.
std::uint64_t Arena::layout() {
    return this_layout * 31 + sizeof(Record) * 1'000'003 + sizeof(Totals) * 1'009 + sizeof(PoolEntry) +
           sizeof(RefusedClient) * 101 + net::Steering::version;
}

void Arena::map() {
    if (memory_ != nullptr) return;
    void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (memory == MAP_FAILED) fail("session arena: mmap");
    memory_ = static_cast<std::byte*>(memory);
    totals_ = {reinterpret_cast<Totals*>(memory_ + totals_at), max_workers};
    refused_ = {reinterpret_cast<RefusedClient*>(memory_ + refused_at), max_refused_clients};
    pool_ = {reinterpret_cast<PoolEntry*>(memory_ + pool_at), pool_sockets_};
    records_ = {reinterpret_cast<Record*>(memory_ + records_at(pool_sockets_)), sessions_};
}

bool Arena::complete() const {
    return nearest(reinterpret_cast<const Header*>(memory_)->content) == Content::complete;
}

void Arena::mark_complete() {
    // A REG may die between any two instructions, and the next one believes the mark.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    reinterpret_cast<Header*>(memory_)->content = Content::complete;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace session
