using System.Text.RegularExpressions;
using ControlPlane.Adapters.Nats;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Replication;

[OptionsValidator]
internal sealed partial class ReplicationLinkRanges : IValidateOptions<ReplicationLinkOptions>;

/// <summary>Every fault at once.</summary>
internal sealed partial class ReplicationOptionsValidator(IOptions<FleetOptions> fleet, IOptions<OverlaysOptions> overlays)
    : IValidateOptions<ReplicationOptions>
{
    private const string NameRule = "1 to 50 characters of a-z, 0-9 and '-'";
    private const string StreamRule = "the name of a JetStream stream: no spaces and none of . * > / \\";

    public ValidateOptionsResult Validate(string? name, ReplicationOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.Links.Count > ReplicationOptions.LinksMax)
        {
            faults.AddError($"there may be {ReplicationOptions.LinksMax} links, and are {options.Links.Count}", nameof(options.Links));
        }

        foreach (var (link, settings) in options.Links)
        {
            var path = $"{nameof(options.Links)}:{link}";
            if (!Name().IsMatch(link))
            {
                faults.AddError($"is no name of a link: it must be {NameRule}", path);
            }

            faults.AddUnder(path, new ReplicationLinkRanges().Validate(null, settings));
            AddSideFaults(faults, settings, path);
            AddStreamFaults(faults, link, settings, path);
        }

        AddSharedTargets(faults, options);
        return faults.Build();
    }

    private void AddSideFaults(ValidateOptionsResultBuilder faults, ReplicationLinkOptions link, string path)
    {
        foreach (var (side, login) in new[] { (nameof(link.Source), link.Source), (nameof(link.Target), link.Target) })
        {
            if (login is not null)
            {
                FleetOptionsValidator.AddLoginFaults(faults, login, $"{path}:{side}");
            }
            else if (!fleet.ValueOrDefault().Overlays.ContainsKey(overlays.ValueOrDefault().Local))
            {
                faults.AddError("is needed: Fleet:Overlays does not say how this site's own brokers are reached", $"{path}:{side}");
            }
        }
    }

    private static void AddStreamFaults(ValidateOptionsResultBuilder faults, string name, ReplicationLinkOptions link, string path)
    {
        if (!Stream().IsMatch(link.SourceStream))
        {
            faults.AddError($"must be {StreamRule}", $"{path}:{nameof(link.SourceStream)}");
        }

        if (link.TargetStream is { } target && !Stream().IsMatch(target))
        {
            faults.AddError($"must be {StreamRule}", $"{path}:{nameof(link.TargetStream)}");
        }

        foreach (var (index, subject) in link.Subjects.Index().Where(one => !Subject().IsMatch(one.Item)))
        {
            faults.AddError($"'{subject}' is no subject", $"{path}:{nameof(link.Subjects)}:{index}");
        }

        if (link.SubjectPrefix is { Length: > 0 } prefix && (!Subject().IsMatch(prefix) || prefix.AsSpan().ContainsAny('*', '>')))
        {
            faults.AddError($"'{prefix}' is no subject without wildcards", $"{path}:{nameof(link.SubjectPrefix)}");
        }

        if (link is { CreateTarget: true, SubjectPrefix: "", Subjects.Count: 0 })
        {
            faults.AddError(
                "needs Subjects or a SubjectPrefix, by which the target's subjects are known; or make the target yourself",
                $"{path}:{nameof(link.CreateTarget)}");
        }

        if (ReplicaStart.ReadOrNull(link.Start) is null)
        {
            faults.AddError($"must be {ReplicaStart.Rule}, is '{link.Start}'", $"{path}:{nameof(link.Start)}");
        }

        if (PlaceOf(link.Source) == PlaceOf(link.Target) && link.SourceStream == StreamReplication.TargetOf(link))
        {
            faults.AddError(
                $"the stream '{link.SourceStream}' cannot be copied to itself: name other brokers or another stream",
                $"{path}:{nameof(link.TargetStream)}");
        }
    }

    private static void AddSharedTargets(ValidateOptionsResultBuilder faults, ReplicationOptions options)
    {
        var targets = options.Links.GroupBy(link => (PlaceOf(link.Value.Target), StreamReplication.TargetOf(link.Value)));
        foreach (var shared in targets.Where(links => links.Count() > 1))
        {
            var names = string.Join(", ", shared.Select(link => link.Key).Order(StringComparer.Ordinal));
            faults.AddError(
                $"the links {names} have the target '{shared.Key.Item2}' in common: each needs one of its own", nameof(options.Links));
        }
    }

    private static string PlaceOf(BrokerLoginOptions? login) =>
        login is null ? "" : string.Join(',', login.Urls.Order(StringComparer.OrdinalIgnoreCase));

    [GeneratedRegex("^[a-z0-9-]{1,50}$")]
    private static partial Regex Name();

    [GeneratedRegex(@"^[^\s.*>/\\]{1,200}$")]
    private static partial Regex Stream();

    [GeneratedRegex(@"^[^\s.]+(\.[^\s.]+)*$")]
    private static partial Regex Subject();
}
