using System.Text.Json.Serialization;

namespace ControlPlane.Access;

/// <summary>What Choria's command line, and ours in its place, sends to get a user token.</summary>
internal sealed record LoginMessage
{
    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>In the place of name and password.</summary>
    public string? IdToken { get; init; }

    public string? PublicKey { get; init; }

    public string? Timestamp { get; init; }

    public string? Signature { get; init; }
}

/// <summary>Either a token, or what went wrong.</summary>
internal sealed record LoginReply(string? Token = null, string? Error = null, string? Detail = null);

/// <summary>What Choria's command line sends to have a request signed.</summary>
internal sealed record SignMessage
{
    public string? Token { get; init; }

    public byte[]? Request { get; init; }

    public string? Signature { get; init; }
}

/// <summary>Either the secure request, or what went wrong.</summary>
internal sealed record SignReply(byte[]? SecureRequest = null, string? Error = null, string? Detail = null);

/// <remarks>Names match in any case and unknown ones are skipped, as in Go, whose program is at the other end.</remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    PropertyNameCaseInsensitive = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(LoginMessage))]
[JsonSerializable(typeof(LoginReply))]
[JsonSerializable(typeof(SignMessage))]
[JsonSerializable(typeof(SignReply))]
[JsonSerializable(typeof(SignInHint))]
internal sealed partial class ChoriaMessages : JsonSerializerContext;
