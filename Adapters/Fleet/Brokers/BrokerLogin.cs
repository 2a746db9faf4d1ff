using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>Logs in to one broker: everything from the TCP connection to the first message.</summary>
/// <remarks>
/// NATS' client library writes the nonce's signature in an encoding that Choria's brokers refuse, gives up after two refusals, and keeps
/// the credentials that it began with. So it is given connections that are logged in already; see <see cref="BrokerSocket"/>.
/// </remarks>
internal sealed class BrokerLogin(BrokerLoginOptions network, string name, string inboxPrefix)
{
    private const string UserInformation = "$SYS.REQ.USER.INFO";

    // Not one of the client library's, which count from 1.
    private const string Subscription = "0";

    private static readonly string LibraryVersion = typeof(NatsConnection).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>Brokers that have been silent for so long on what they permit do not tell it.</summary>
    private static readonly TimeSpan PermissionsWait = TimeSpan.FromSeconds(1);

    /// <exception cref="BrokerLoginException">The broker did not let us in.</exception>
    public async Task<BrokerSession> OpenAsync(Uri broker, string tlsHost, CancellationToken cancellationToken)
    {
        using var credentials = BrokerCredentials.Read(network);
        var stream = await ConnectAsync(broker, cancellationToken);
        try
        {
            if (network is { Tls: true, TlsFirst: true })
            {
                stream = await BrokerTls.SecureAsync(stream, tlsHost, network, credentials, cancellationToken);
            }

            var lines = new BrokerLines(stream);
            var line = await lines.ReadAsync(cancellationToken);
            var greeting = BrokerGreeting.Read(line);
            if (network is { Tls: true, TlsFirst: false })
            {
                RequireTls(greeting, lines);
                stream = await BrokerTls.SecureAsync(stream, tlsHost, network, credentials, cancellationToken);
                lines = new BrokerLines(stream);
            }
            else if (!network.Tls && greeting.TlsRequired)
            {
                throw new BrokerLoginException("the broker demands TLS, and the network's setting Tls is false");
            }

            var exchange = new BrokerExchange(stream, lines, line);
            await exchange.SayAsync(ConnectOf(name, network.Tls, credentials, greeting.Nonce), cancellationToken);
            await exchange.UntilPongAsync(refusal => throw BrokerRefusal.Of(refusal, credentials), cancellationToken);
            var permissions = await PermissionsAsync(exchange, cancellationToken);
            return new BrokerSession(stream, exchange.Unread, permissions);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="BrokerLoginException">Nobody listens there.</exception>
    public static async Task<Stream> ConnectAsync(Uri broker, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(broker.IdnHost, BrokerTls.PortOf(broker), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException away)
        {
            socket.Dispose();
            throw new BrokerLoginException($"cannot be reached: {away.Message}", away);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RequireTls(BrokerGreeting greeting, BrokerLines lines)
    {
        if (!greeting.TlsRequired && !greeting.TlsAvailable)
        {
            throw new BrokerLoginException("the broker does not offer TLS");
        }

        // Whoever stands between could put words in here that would pass for the broker's own after the handshake.
        if (!lines.Rest.IsEmpty)
        {
            throw new BrokerLoginException("something was said in the clear after the broker's greeting; somebody may be in between");
        }
    }

    /// <summary>What is said after the greeting; the broker's PONG says that it has taken it.</summary>
    public static string ConnectOf(string name, bool isEncrypted, BrokerCredentials credentials, string? nonce)
    {
        var token = credentials.TokenFor(nonce);
        var fields = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["verbose"] = false,
            ["pedantic"] = false,
            ["tls_required"] = isEncrypted,
            ["name"] = name,
            ["lang"] = ".NET",
            ["version"] = LibraryVersion,
            ["protocol"] = 1,
            ["echo"] = true,
            ["headers"] = true,
            ["no_responders"] = true,
        };
        Add("user", credentials.User);
        Add("pass", credentials.Password);

        // Choria's brokers look at auth_token alone. Its own clients send both.
        Add("auth_token", token);
        Add("jwt", token);
        Add("sig", token is null ? null : credentials.Sign(nonce));
        return $"CONNECT {JsonSerializer.Serialize(fields)}\r\nPING\r\n";

        void Add(string field, string? value)
        {
            if (value is not null)
            {
                fields[field] = value;
            }
        }
    }

    private async Task<BrokerPermissions> PermissionsAsync(BrokerExchange exchange, CancellationToken cancellationToken)
    {
        var inbox = $"{inboxPrefix}.login{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        var violations = new List<string>();
        await exchange.SayAsync($"SUB {inbox} {Subscription}\r\nPUB {UserInformation} {inbox} 0\r\n\r\nPING\r\n", cancellationToken);
        await exchange.UntilPongAsync(violations.Add, cancellationToken);
        if (violations.Any(violation => violation.Contains(inbox, StringComparison.Ordinal)))
        {
            throw new BrokerLoginException(
                $"the broker does not let us subscribe to {inboxPrefix}.>, where answers come: {string.Join("; ", violations)}");
        }

        if (violations.Count == 0)
        {
            await exchange.UntilAnswerAsync(PermissionsWait, cancellationToken);
        }

        // Nothing for this subscription can come behind the second PONG.
        await exchange.SayAsync($"UNSUB {Subscription}\r\nPING\r\n", cancellationToken);
        await exchange.UntilPongAsync(violations.Add, cancellationToken);
        return BrokerPermissions.Read(exchange.Answer);
    }
}

/// <param name="Stream">The connection, logged in.</param>
/// <param name="Unread">What the client library is to read before what comes next.</param>
/// <param name="Permissions">What the broker says that the login may do.</param>
internal sealed record BrokerSession(Stream Stream, ReadOnlyMemory<byte> Unread, BrokerPermissions Permissions);
