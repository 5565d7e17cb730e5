#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "base/log_settings.hpp"

/// The configuration as plain data: filled by the loader before any process starts, constant afterwards. Each
/// struct is a section of the file, each member a key of the same name (proxyd.conf(5)).
namespace conf {

using base::Address;
using base::Duration;
using base::Endpoint;

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    [[nodiscard]] bool contains(std::uint16_t port) const { return first <= port && port <= last; }
    bool operator==(const PortRange&) const = default;
};

/// One entry of `listen-on`. Port 0 lets the kernel choose (L-32).
struct ListenOn {
    Address address;
    PortRange port;
};

/// One item of a host list (K-34): `10.0.0.0/8`, `10.0.0.1/255.0.0.255`, `10.0.0.5-10.0.0.9`, `*`, `@list`,
/// `host.example.com`, `~regular expression`, each with an optional `!` in front.
struct HostItem {
    enum class Kind { any, range, mask, list, name, pattern };
    Kind kind = Kind::any;
    bool negated = false;
    Address first, last;   ///< range: inclusive; a network is a range
    Address value, mask;   ///< mask: (address & mask) == value, for masks with gaps
    std::size_t list = 0;  ///< list: index into Config::lists
    std::string text;      ///< name: canonical (lower case, with its final dot if any); pattern: as written
};
using HostItems = std::vector<HostItem>;

/// `lists: {lan: [...]}`: a host list with a name, used as `@lan`. The loader rejects cycles.
struct NamedList {
    std::string name;
    HostItems items;
};

/// One item of `to`: the local address the client sent to, and its port. An empty `hosts` means every
/// address.
struct Destination {
    HostItem host;
    PortRange port{0, 65535};
};

/// `Mon-Fri 07:00-19:00`: days (bit 0 is Monday) and minutes of the day [from, until). from > until spans
/// midnight and belongs to the day it starts on.
struct TimeWindow {
    std::uint8_t days = 0x7f;
    int from = 0;
    int until = 24 * 60;
};

enum class Action { accept, deny };

/// One entry of `plug-to`: an address or a name, with a port.
struct Server {
    Endpoint endpoint;    ///< with a name only the port counts
    unsigned weight = 1;  ///< share of the clients, 1..1000; each address of a name has it
    std::string name;     ///< canonical; stands for all its addresses (K-54). Empty: `endpoint` is all
};

/// Kernun's session types (K-39..K-43).
enum class SessionType : std::uint8_t { one_way, normal, any_port, any_sock, broadcast };

/// A server is silent when the client has sent this many datagrams over this time without a reply.
struct NoAnswer {
    std::uint32_t datagrams = 5;
    Duration time = std::chrono::seconds(15);  ///< 0: off
};

/// `rate: 1000/s, burst: 200`: datagrams of a client; more are dropped.
struct DatagramRate {
    std::uint32_t rate = 0;   ///< per second; 0: no limit
    std::uint32_t burst = 0;  ///< at once, after a pause; 0: as many as in a second
};

/// Limits of one session; nothing or 0 means no limit.
struct SessionLimits {
    Duration unanswered = std::chrono::seconds(30);  ///< since the last datagram, before the first reply
    Duration idle = std::chrono::seconds(180);
    Duration unconfirmed = std::chrono::seconds(30);  ///< the same, until the client sends after a reply
    Duration lifetime{0};
    std::uint64_t client_datagrams = 0, server_datagrams = 0;
    std::uint64_t client_bytes = 0, server_bytes = 0;
    NoAnswer no_answer;
    std::uint64_t idle_bytes = 0;  ///< fewer bytes than this within `idle` count as idle (O-31)
    DatagramRate rate;             ///< of the client
};

/// What happens to the DSCP bits of forwarded datagrams; ECN is always kept (K-49).
struct Dscp {
    std::vector<std::uint8_t> match;                   ///< rule matches these values only; empty: all
    std::optional<std::uint8_t> to_server, to_client;  ///< set; nothing: keep
};

enum class IcmpError { ignore, close };

/// What happens to an open session when its server's name no longer resolves to the session's address.
enum class OnNameChange { keep, move, close };

/// Which statistics records of a rule are written (`record`).
struct Recording {
    bool refusals = true;
    std::uint32_t one_of = 1;  ///< of this many closed sessions one is recorded; 0: none
};

/// One rule of `session-acl`. The first whose conditions all match decides (K-33).
struct Rule {
    std::string name;              ///< given, or `#N`
    HostItems from;                ///< empty: every client
    std::vector<Destination> to;   ///< empty: every listener
    std::vector<TimeWindow> time;  ///< empty: always
    Action action = Action::deny;
    std::vector<Server> plug_to;
    SessionType type = SessionType::normal;
    bool any_port_strict = true;     ///< any-port: after the first reply only its port (K-42)
    unsigned broadcast_prefix = 24;  ///< broadcast: bits of the network whose hosts may reply (K-43)
    SessionLimits limits;
    std::optional<Address> source_address;  ///< nothing: chosen by the route
    std::optional<PortRange> source_port;   ///< nothing: the system's ephemeral range
    Dscp dscp;
    IcmpError on_icmp_error = IcmpError::ignore;
    OnNameChange on_name_change = OnNameChange::keep;
    Recording record;
};

/// Limits for one source prefix; 0 means none (K-77). A burst of one second's worth of sessions is allowed.
struct SourceLimits {
    std::uint32_t new_per_second = 0;
    std::uint32_t open = 0;
    DatagramRate rate;  ///< of all its sessions
};

struct MaxRestarts {
    unsigned count = 5;
    Duration within = std::chrono::seconds(60);
};

/// What more unexpected exits of REG than `max-restarts` do.
enum class OnCrashLoop : std::uint8_t { throttle, end };

/// How sessions reach their servers (doc/design.md, The server side).
enum class ServerSide : std::uint8_t {
    own,        ///< each session has a socket
    shared,     ///< the sessions of a worker share one
    automatic,  ///< shared where that is possible and safe
};

struct UdpServer {
    std::uint32_t max_sessions = 0;  ///< mandatory, 1..4,000,000 (K-24)
    unsigned workers = 1;            ///< `auto` is resolved by the loader
    MaxRestarts max_restarts;
    OnCrashLoop on_crash_loop = OnCrashLoop::throttle;
    unsigned unanswered_share = 50;             ///< percent of max-sessions that unanswered sessions may fill
    unsigned unconfirmed_share = 50;            ///< the same of unconfirmed ones
    unsigned source_share = 25;                 ///< percent of either, and of resolver.hold, for one address
    std::uint32_t new_sessions_per_second = 0;  ///< for all sources together (O-25)
    SourceLimits per_address;                   ///< /32, /64
    SourceLimits per_network;                   ///< /24, /48
    ServerSide server_side = ServerSide::own;
    PortRange server_ports{10240, 32767};            ///< shared: of rules without source-port
    Duration quarantine = std::chrono::seconds(30);  ///< of a pool socket whose server may still answer
    Duration quarantine_answered = std::chrono::seconds(1);  ///< of one that received all its answers
    std::uint64_t receive_buffer = 4u << 20;  ///< bytes, SO_RCVBUF of each listening socket; 0: the system's
    std::uint64_t send_buffer = 0;
    Duration max_queue_age = std::chrono::seconds(1);  ///< of a client's datagram in the buffer; 0: no limit
    Duration heartbeat = std::chrono::seconds(5);      ///< a child silent for this long is restarted
    Duration stop_timeout = std::chrono::seconds(5);   ///< then a child that does not exit is killed
};

enum class Transport : std::uint8_t { udp, tcp };
enum class Families : std::uint8_t { both, v4, v6 };

/// Bounds of the time for which answers are used; their TTL is clamped to it (K-56).
struct TtlRange {
    Duration min, max;
};

/// Limits of the datagrams held while a name is resolved; others are dropped and counted (K-58).
struct Hold {
    std::uint32_t datagrams = 16;      ///< of one session
    std::uint64_t bytes = 64u << 10;   ///< of one session
    std::uint32_t sessions = 1024;     ///< that hold datagrams at one time, of all workers
    std::uint64_t memory = 16u << 20;  ///< bytes of all workers
};

/// The `resolver` section: how names are looked up (resolving(7)).
struct Resolver {
    std::vector<Endpoint> servers;                   ///< empty: those of /etc/resolv.conf
    std::optional<std::vector<std::string>> search;  ///< nothing: resolv.conf's if `servers` is empty
    std::optional<unsigned> dots;                    ///< nothing: the same, otherwise 1
    unsigned tries = 2;                              ///< rounds over all servers
    Families families = Families::both;
    Transport conf_transport = Transport::tcp;           ///< for the configuration's names
    Transport transport = Transport::udp;                ///< for on-line look-ups
    Duration conf_timeout = std::chrono::seconds(15);    ///< of a configuration's name, in total (K-52)
    Duration timeout = std::chrono::seconds(5);          ///< of an on-line look-up, in total
    Duration server_timeout = std::chrono::seconds(2);   ///< of one server, doubled in each round
    Duration initial_timeout = std::chrono::seconds(1);  ///< the same for reverse look-ups (K-63)
    Duration connect_timeout = std::chrono::seconds(1);  ///< of a TCP connection (K-62)
    TtlRange ttl{std::chrono::seconds(1), std::chrono::hours(24)};
    TtlRange negative_ttl{std::chrono::seconds(1), std::chrono::seconds(30)};
    Duration stale_max = std::chrono::hours(24);  ///< how long the last good answer is used beyond its TTL
    Duration negative_grace = std::chrono::seconds(30);  ///< the same after NXDOMAIN or NODATA
    bool allow_private = false;                          ///< names may resolve to private addresses
    std::vector<std::string> private_domains;            ///< names in these domains may; canonical
    std::string hosts_file = "/etc/hosts";
    Hold hold;
};

/// The `control` section: the parent's socket and the permissions of users (doc/design.md, Control).
struct Control {
    std::string socket;           ///< empty: /run/proxyd/NAME.sock, if it can be created
    bool enabled = true;          ///< false: `socket: none`
    unsigned mode = 0660;         ///< of the socket file
    std::string group;            ///< its members may do everything; empty: root and the parent's user only
    std::string read_only_group;  ///< its members may only read
};

enum class StatusFormat : std::uint8_t { text, csv, tab, json };

/// The `status-file` section: all sessions, rewritten at an interval (O-42).
struct StatusFile {
    std::string path;  ///< empty: none
    Duration every = std::chrono::seconds(60);
    StatusFormat format = StatusFormat::text;
};

/// What SIGHUP does when the parent gets it.
enum class OnHup : std::uint8_t { shutdown, reload };

/// The `signals` section.
struct Signals {
    OnHup hup = OnHup::shutdown;
};

/// How the processes confine themselves (libudpserver/sandbox).
enum class Sandbox : std::uint8_t {
    automatic,  ///< as far as the kernel can
    required,   ///< proxyd does not start if the kernel lacks a part of it
    off,
};

struct Config {
    std::string file;  ///< absolute path
    std::string name;
    std::string proxy = "udp";
    std::string user;  ///< empty: the user that started proxyd
    bool singleproc = false;
    bool nodaemon = false;
    Sandbox sandbox = Sandbox::automatic;
    bool core_dumps = false;
    std::string pid_file;  ///< empty: none
    Signals signals;
    StatusFile status_file;
    base::LogSettings log;
    UdpServer udpserver;
    Resolver resolver;
    Control control;
    std::vector<NamedList> lists;
    std::vector<ListenOn> listen_on;
    std::vector<Rule> session_acl;
};

}  // namespace conf
