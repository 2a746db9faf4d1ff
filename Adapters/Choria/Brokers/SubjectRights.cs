namespace ControlPlane.Adapters.Choria;

/// <summary>
/// What a connection may publish and subscribe to. Without a list of what is allowed all is; what is denied is denied in any case.
/// </summary>
public sealed record SubjectRights
{
    /// <summary>All subjects of the account.</summary>
    public static SubjectRights All { get; } = new();

    /// <summary>No subject at all.</summary>
    public static SubjectRights Nothing { get; } = new() { PublishDeny = [">"], SubscribeDeny = [">"] };

    public IReadOnlyList<string>? PublishAllow { get; init; }

    public IReadOnlyList<string> PublishDeny { get; init; } = [];

    public IReadOnlyList<string>? SubscribeAllow { get; init; }

    public IReadOnlyList<string> SubscribeDeny { get; init; } = [];

    public bool MayPublish(string subject) => May(subject, PublishAllow, PublishDeny);

    /// <summary>
    /// Whether the subscription is taken. One that is wider than a denied subject is: the server then leaves out what is denied.
    /// </summary>
    public bool MaySubscribe(string subject) => May(subject, SubscribeAllow, SubscribeDeny);

    // As nats-server does: the tokens of the subject are taken as they stand, wildcards too.
    private static bool May(string subject, IReadOnlyList<string>? allow, IReadOnlyList<string> deny) =>
        (allow is null || allow.Any(pattern => SubjectPattern.Covers(pattern, subject)))
        && !deny.Any(pattern => SubjectPattern.Covers(pattern, subject));
}
