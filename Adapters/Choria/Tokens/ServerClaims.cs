namespace ControlPlane.Adapters.Choria;

using System.Text.Json.Serialization;

/// <summary>The token of a provisioned V2 node, <c>server.jwt</c>.</summary>
public sealed record ServerClaims : TokenClaims
{
    /// <summary>The node: it may hear and answer for this identity alone.</summary>
    [JsonPropertyName("identity")]
    public string Identity { get; init => field = value ?? ""; } = "";

    /// <summary>At least one.</summary>
    [JsonPropertyName("collectives")]
    public IReadOnlyList<string> Collectives { get; init => field = value ?? []; } = [];

    [JsonPropertyName("permissions")]
    public ServerPermissions Permissions { get; init => field = value ?? new(); } = new();

    [JsonPropertyName("ou")]
    public string? OrganizationUnit { get; init; }

    /// <summary>Subjects that it may publish to besides those of its permissions.</summary>
    [JsonPropertyName("pub_subjects")]
    public IReadOnlyList<string>? PublishSubjects { get; init; }

    [JsonIgnore]
    public override string? Organization => OrganizationUnit;

    internal override string OwnPurpose => ServerPurpose;

    internal override string? Fault() =>
        Identity.Length == 0 ? "identity is missing or empty"
        : Collectives.Count == 0 || Collectives.Any(string.IsNullOrEmpty) ? "collectives is missing, empty, or has an empty name"
        : HasNull(PublishSubjects) ? "pub_subjects has a null in it"
        : KeyFault();
}

/// <param name="Submission">May submit messages.</param>
/// <param name="Streams">May use JetStream.</param>
/// <param name="Governor">May use governors; needs <paramref name="Streams"/>.</param>
/// <param name="ServiceHost">May host service agents.</param>
public sealed record ServerPermissions(
    [property: JsonPropertyName("submission"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Submission = false,
    [property: JsonPropertyName("streams"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Streams = false,
    [property: JsonPropertyName("governor"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Governor = false,
    [property: JsonPropertyName("service_host"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ServiceHost = false);
