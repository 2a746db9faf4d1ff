using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>What a broker says that a login may do: its answer to <c>$SYS.REQ.USER.INFO</c>.</summary>
/// <param name="Account">The account that the login is in; null when the broker did not tell.</param>
/// <param name="Publish">Where it may publish; null for anywhere.</param>
/// <param name="Subscribe">What it may subscribe to; null for anything.</param>
internal sealed record BrokerPermissions(string? Account, GrantedSubjects? Publish, GrantedSubjects? Subscribe)
{
    /// <summary>Brokers before nats-server 2.10 do not tell.</summary>
    public static BrokerPermissions Untold { get; } = new(null, null, null);

    public static BrokerPermissions Read(byte[]? answer)
    {
        try
        {
            return answer is not null && JsonSerializer.Deserialize<Reply>(answer) is { Login: { } login }
                ? new BrokerPermissions(login.Account, login.Permissions?.Publish, login.Permissions?.Subscribe)
                : Untold;
        }
        catch (JsonException)
        {
            return Untold;
        }
    }

    /// <summary>What is needed and not granted.</summary>
    public IReadOnlyList<NeededSubject> Missing(IEnumerable<NeededSubject> needed) =>
        [.. needed.Where(one => (one.Use == SubjectUse.Publish ? Publish : Subscribe)?.Grants(one.Subject) == false)];

    private sealed record Reply([property: JsonPropertyName("data")] Login? Login);

    private sealed record Login(
        [property: JsonPropertyName("account")] string? Account, [property: JsonPropertyName("permissions")] Rights? Permissions);

    private sealed record Rights(
        [property: JsonPropertyName("publish")] GrantedSubjects? Publish,
        [property: JsonPropertyName("subscribe")] GrantedSubjects? Subscribe);
}

/// <summary>Subjects that are allowed, all when none is named, without those that are denied.</summary>
internal sealed record GrantedSubjects(
    [property: JsonPropertyName("allow")] IReadOnlyList<string>? Allow, [property: JsonPropertyName("deny")] IReadOnlyList<string>? Deny)
{
    /// <summary>Whether all of a subject, which may have wildcards, is granted.</summary>
    public bool Grants(string subject) =>
        (Allow is not { Count: > 0 } || Allow.Any(allowed => SubjectPattern.Covers(allowed, subject)))
        && Deny?.Any(denied => SubjectPattern.Overlap(denied, subject)) != true;
}

/// <summary>A subject that the silo uses on a network.</summary>
/// <param name="Use">How.</param>
/// <param name="Subject">The subject, which may have wildcards.</param>
/// <param name="Purpose">What for, in words that follow "to".</param>
/// <param name="IsVital">Whether the network is of no use without it.</param>
internal sealed record NeededSubject(SubjectUse Use, string Subject, string Purpose, bool IsVital = true);

internal enum SubjectUse
{
    Publish = 0,
    Subscribe = 1,
}
