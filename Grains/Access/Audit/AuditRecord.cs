using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Store;

namespace ControlPlane.Access;

/// <summary>What a record tells of.</summary>
public enum AuditKind
{
    /// <summary>A call that is about to be made.</summary>
    Call = 1,

    /// <summary>A call that the policy did not allow, and that was not made.</summary>
    Denied = 2,

    /// <summary>What came of the call with the same id. A call without one may or may not have had its effect: its silo died.</summary>
    Outcome = 3,

    /// <summary>Somebody could not sign in.</summary>
    SignInFailed = 4,

    /// <summary>Denied calls and failed sign-ins of one address that were too many to be recorded, and how many.</summary>
    Omitted = 5,
}

/// <summary>One record of the audit log, by the names that are stored: <c>docs/AUDIT.md</c> is its schema.</summary>
public sealed record AuditRecord
{
    /// <summary>The version of the schema. Properties may be added within one; another meaning is another version.</summary>
    public const int SchemaVersion = 1;

    public int Schema { get; init; } = SchemaVersion;

    /// <summary>Its place in its chain, from 1 on.</summary>
    public long Sequence { get; init; }

    /// <summary>The hash of the record before it; empty in the first.</summary>
    public string Previous { get; init; } = "";

    /// <summary>The silo whose chain it is in.</summary>
    public string Chain { get; init; } = "";

    /// <summary>The call's; the record of its outcome has the same.</summary>
    public required string Id { get; init; }

    public required AuditKind Kind { get; init; }

    /// <summary>When, by the silo's clock.</summary>
    public required DateTimeOffset At { get; init; }

    public AuditCaller? Who { get; init; }

    public string? Permission { get; init; }

    public string? Operation { get; init; }

    public AuditTarget? On { get; init; }

    /// <summary>What the call was made with; without secrets.</summary>
    public IReadOnlyDictionary<string, string>? Parameters { get; init; }

    public string? Reason { get; init; }

    /// <summary>Who made what the call approves.</summary>
    public string? Submitter { get; init; }

    public AuditDecision? Decision { get; init; }

    public string? Trace { get; init; }

    /// <summary>In a record of an outcome: what it was. In one of a failed sign-in: why.</summary>
    public string? Outcome { get; init; }

    /// <summary>In a record of what was omitted: how many since when.</summary>
    public AuditOmission? Omitted { get; init; }

    /// <summary>Whether it was written while the machine's break-glass switch was on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool BreakGlass { get; init; }

    /// <summary>The record in its place after the head of a chain.</summary>
    internal ChainRecord After(ChainHead head, string chain)
    {
        var placed = this with { Sequence = head.Sequence + 1, Previous = head.Hash, Chain = chain };
        var body = JsonSerializer.Serialize(placed, AuditJson.Plain.AuditRecord);
        return new ChainRecord(placed.Sequence, HashChain.HashOf(body), body);
    }

    /// <summary>What a chain's record says; null when it is none of ours.</summary>
    public static AuditRecord? ReadOrNull(string body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, AuditJson.Plain.AuditRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Principal">The name; null when nobody said one.</param>
/// <param name="Method">How the credential was shown.</param>
/// <param name="Groups">The groups that somebody vouched for.</param>
/// <param name="Credential">What names the credential; never the credential.</param>
/// <param name="Address">Where the call came from.</param>
/// <param name="SecondFactorAt">When a second factor was shown.</param>
public sealed record AuditCaller(
    string? Principal,
    CallerMethod Method,
    IReadOnlyList<string>? Groups = null,
    string? Credential = null,
    string? Address = null,
    DateTimeOffset? SecondFactorAt = null);

/// <summary>What a call was about; see <see cref="AccessRequest"/>.</summary>
public sealed record AuditTarget(
    string? Overlay = null,
    string? Node = null,
    string? Collective = null,
    string? Agent = null,
    string? Action = null,
    int? Targets = null,
    string? Plan = null,
    string? Job = null);

/// <param name="Allowed">Whether the call could be made.</param>
/// <param name="Rule">The rule that decided.</param>
/// <param name="Policy">The version of the policy.</param>
/// <param name="WouldBeDenied">Allowed only because the policy was tried out.</param>
public sealed record AuditDecision(
    bool Allowed,
    string Rule,
    string Policy,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool WouldBeDenied = false);

/// <param name="Address">Whose they were; null for all those that are not told apart.</param>
/// <param name="Count">How many.</param>
/// <param name="Since">From when on; until the record's own time.</param>
public sealed record AuditOmission(string? Address, long Count, DateTimeOffset Since);

[JsonSerializable(typeof(AuditRecord))]
[JsonSerializable(typeof(AuditCheckpoint))]
internal sealed partial class AuditJson : JsonSerializerContext
{
    /// <summary>Signs as signs: what an auditor reads is what was hashed.</summary>
    public static AuditJson Plain { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    });
}
