using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Nats.Callout;

/// <summary>As whom a connection is let in, and what it may do there.</summary>
/// <param name="Account">The account, by its name in the server's configuration.</param>
/// <param name="Name">What the server calls the connection's user from now on: in its log, its events and its list of connections.</param>
public sealed record UserGrant(string Account, string Name)
{
    public SubjectLists Publish { get; init; } = new();

    public SubjectLists Subscribe { get; init; } = new();

    /// <summary>When not null: what it hears it may answer, on any subject.</summary>
    public ResponseGrant? Responses { get; init; }

    /// <summary>When the server ends the connection; null: never.</summary>
    public DateTimeOffset? NotAfter { get; init; }
}

/// <summary>Subjects that are allowed and denied. Without any that is allowed all are that are not denied.</summary>
public sealed record SubjectLists
{
    [JsonPropertyName("allow")]
    public IReadOnlyList<string> Allow { get; init; } = [];

    [JsonPropertyName("deny")]
    public IReadOnlyList<string> Deny { get; init; } = [];
}

/// <param name="MessagesMax">How many answers to one message; -1: any number.</param>
/// <param name="Duration">How long it may answer.</param>
public sealed record ResponseGrant(int MessagesMax, TimeSpan Duration);
