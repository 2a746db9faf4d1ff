using System.Text.Json.Serialization;

namespace ControlPlane.Adapters.Nats.Callout;

/// <summary>What a nats-server asks about one connection that wants in: all that it knows of it, secrets included.</summary>
/// <param name="Server">Who asks.</param>
/// <param name="UserNkey">The name that the server gave the connection for this question; the answer is about it and no other.</param>
/// <param name="Client">The connection.</param>
/// <param name="Connect">What its CONNECT says.</param>
/// <param name="Tls">What TLS showed; null without TLS.</param>
public sealed record AuthorizationRequest(
    [property: JsonPropertyName("server_id"), JsonRequired] CalloutServer Server,
    [property: JsonPropertyName("user_nkey"), JsonRequired] string UserNkey,
    [property: JsonPropertyName("client_info"), JsonRequired] CalloutClient Client,
    [property: JsonPropertyName("connect_opts"), JsonRequired] CalloutConnect Connect,
    [property: JsonPropertyName("client_tls")] CalloutTls? Tls)
{
    /// <summary>The subject on which servers ask, in the account that the callout is configured for.</summary>
    public const string Subject = "$SYS.REQ.USER.AUTH";

    // Records print their members; this one's passwords and tokens would end up in a log.
    public override string ToString() => $"connection {Client.Id} of {Server.Name}";
}

/// <param name="Id">Its public key.</param>
/// <param name="Name">Its configured name.</param>
/// <param name="XKey">Its public encryption key; null unless the request came encrypted.</param>
public sealed record CalloutServer(
    [property: JsonPropertyName("id"), JsonRequired] string Id,
    [property: JsonPropertyName("name")] string? Name,
    [property: JsonPropertyName("xkey")] string? XKey);

/// <param name="Id">The connection's number at its server.</param>
/// <param name="Host">The address that it comes from.</param>
/// <param name="Kind">Client, leafnode and so on, as the server writes it.</param>
/// <param name="Type">nats, websocket or mqtt.</param>
/// <param name="Nonce">The nonce of INFO; null when CONNECT has no signature.</param>
public sealed record CalloutClient(
    [property: JsonPropertyName("id"), JsonRequired] ulong Id,
    [property: JsonPropertyName("host")] string? Host,
    [property: JsonPropertyName("kind")] string? Kind,
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("nonce")] string? Nonce);

/// <summary>The fields of CONNECT, by their names there.</summary>
public sealed record CalloutConnect
{
    /// <summary>Only of a server that takes its accounts from an operator.</summary>
    [JsonPropertyName("jwt")]
    public string? Jwt { get; init; }

    [JsonPropertyName("auth_token")]
    public string? Token { get; init; }

    [JsonPropertyName("nkey")]
    public string? Nkey { get; init; }

    [JsonPropertyName("sig")]
    public string? Signature { get; init; }

    [JsonPropertyName("user")]
    public string? User { get; init; }

    [JsonPropertyName("pass")]
    public string? Password { get; init; }

    [JsonPropertyName("name")]
    public string? Name { get; init; }

    [JsonPropertyName("version")]
    public string? Version { get; init; }

    [JsonPropertyName("protocol")]
    public int Protocol { get; init; }

    public override string ToString() => $"CONNECT of {Name}";
}

/// <summary>The certificates of who connects, as PEM. A server that verifies none still asks for one where it is configured to.</summary>
public sealed record CalloutTls
{
    /// <summary>What was shown and not verified, the client's own first.</summary>
    [JsonPropertyName("certs")]
    public IReadOnlyList<string> Certificates { get; init; } = [];

    /// <summary>What was verified: each a chain from the client's own to the CA.</summary>
    [JsonPropertyName("verified_chains")]
    public IReadOnlyList<IReadOnlyList<string>> VerifiedChains { get; init; } = [];
}
