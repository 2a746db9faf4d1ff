using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>What a login needs of the broker's INFO.</summary>
internal sealed record BrokerGreeting
{
    private const string Verb = "INFO ";

    [JsonPropertyName("nonce")]
    public string? Nonce { get; init; }

    [JsonPropertyName("tls_required")]
    public bool TlsRequired { get; init; }

    [JsonPropertyName("tls_available")]
    public bool TlsAvailable { get; init; }

    [JsonPropertyName("version")]
    public string? Version { get; init; }

    public static bool Is(string line) => line.StartsWith(Verb, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="BrokerLoginException">It is no INFO of NATS.</exception>
    public static BrokerGreeting Read(string line)
    {
        try
        {
            return Is(line) && JsonSerializer.Deserialize<BrokerGreeting>(line[Verb.Length..]) is { } greeting
                ? greeting
                : throw new BrokerLoginException("what answers is no NATS broker: it did not begin with INFO");
        }
        catch (JsonException unreadable)
        {
            throw new BrokerLoginException($"what answers is no NATS broker: its INFO cannot be read: {unreadable.Message}", unreadable);
        }
    }
}
