using System.Net;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>Where a broker listens, as the <c>chu</c> claim and <c>plugin.choria.middleware_hosts</c> name it.</summary>
internal sealed record BrokerAddress(string Host, int Port)
{
    private const int DefaultPort = 4222;

    /// <summary>The URL under which the node names the broker in its messages and statistics.</summary>
    public string Url { get; } = $"nats://{Host}:{Port}";

    public EndPoint EndPoint { get; } =
        IPAddress.TryParse(Host, out var address) ? new IPEndPoint(address, Port) : new DnsEndPoint(Host, Port);

    /// <summary>Reads a comma separated list of <c>[nats://]host[:port]</c>; what cannot be read is left out.</summary>
    public static IReadOnlyList<BrokerAddress> ReadList(string? list) =>
        [.. (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(ReadOrNull).OfType<BrokerAddress>()];

    private static BrokerAddress? ReadOrNull(string entry)
    {
        var url = entry.Contains("://", StringComparison.Ordinal) ? entry : "nats://" + entry;
        return Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Host.Length > 0
            ? new BrokerAddress(uri.Host, uri.Port > 0 ? uri.Port : DefaultPort)
            : null;
    }
}
