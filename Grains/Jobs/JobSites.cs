using System.Text.Json.Serialization;
using ControlPlane.Access;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Jobs;

/// <summary>What one site asks another about a job. Each may be asked again.</summary>
[JsonDerivedType(typeof(Prepare), "prepare")]
[JsonDerivedType(typeof(DryRun), "dryRun")]
[JsonDerivedType(typeof(Allot), "allot")]
[JsonDerivedType(typeof(Hear), "hear")]
[JsonDerivedType(typeof(ListTargets), "listTargets")]
[JsonDerivedType(typeof(ListResults), "listResults")]
internal abstract record JobQuestion(string Job, string Overlay)
{
    /// <summary>A question with an order: for the part that is asked, and of the site that asks.</summary>
    public abstract record Ordered(string Job, string Overlay, OverlayJobOrder Order) : JobQuestion(Job, Overlay);

    /// <summary>The site of a job asks an overlay to find its targets.</summary>
    public sealed record Prepare(string Job, string Overlay, OverlayJobOrder Order) : Ordered(Job, Overlay, Order);

    /// <summary>Another site asks what a job would do in an overlay.</summary>
    public sealed record DryRun(string Job, string Overlay, OverlayJobOrder Order) : Ordered(Job, Overlay, Order);

    /// <summary>The site of a job says what an overlay may do.</summary>
    public sealed record Allot(string Job, string Overlay, Allotment Allotment) : JobQuestion(Job, Overlay);

    /// <summary>An overlay tells the site of a job how its part stands.</summary>
    public sealed record Hear(string Job, string Overlay, OverlayReport Report) : JobQuestion(Job, Overlay);

    public sealed record ListTargets(string Job, string Overlay, IReadOnlyList<TargetState> States, int After, int Limit)
        : JobQuestion(Job, Overlay);

    public sealed record ListResults(string Job, string Overlay, IReadOnlyList<TargetState> States, ulong After, int Skip, int Limit)
        : JobQuestion(Job, Overlay);
}

/// <summary>What it answers.</summary>
internal sealed record JobReply(
    OverlayReport? Report = null, OverlayTargetPage? Targets = null, OverlayResultPage? Results = null, OverlayDryRun? DryRun = null);

/// <summary>Reaches a job, and its parts, wherever they are.</summary>
internal sealed class JobSites(IGrainFactory grains, ISiteLink link, IOptionsMonitor<OverlaysOptions> options)
{
    /// <summary>A message of the link is at most a megabyte.</summary>
    private const int LinkTargetsMax = 2_000;

    /// <summary>What an order says besides the specification: names, and the claims of who submitted it.</summary>
    private const int OrderBytes = 64 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PreparePatience = TimeSpan.FromSeconds(70);

    public string Here => options.CurrentValue.Local;

    /// <summary>The overlays of the region.</summary>
    public IReadOnlyCollection<string> Overlays => options.CurrentValue.Members.Keys;

    /// <summary>The overlays that a job is for.</summary>
    public IReadOnlyList<string> OverlaysOf(JobSpec spec) =>
        [.. (spec.Targets.Overlays.Count > 0 ? spec.Targets.Overlays : Overlays).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether the sites of other overlays can be told what a job is to do.</summary>
    public bool CanTell(JobSpec spec)
    {
        var order = new OverlayJobOrder("", "", Here, spec, JobSubmitter.Of(Caller.System));
        return OverlaysOf(spec).All(options.CurrentValue.Serves)
            || SiteJson.Write<JobQuestion>(new JobQuestion.Prepare("", "", order)).Length < ISiteLink.MessageBytesMax - OrderBytes;
    }

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public Task<OverlayDryRun> DryRunAsync(OverlayJobOrder order) => AskAsync(
        order.Overlay, new JobQuestion.DryRun(order.Job, order.Overlay, order), PreparePatience, reply => reply.DryRun);

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public Task<OverlayReport> PrepareAsync(OverlayJobOrder order) => AskAsync(
        order.Overlay, new JobQuestion.Prepare(order.Job, order.Overlay, order), PreparePatience, reply => reply.Report);

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public Task<OverlayReport> AllotAsync(string job, string overlay, Allotment allotment) =>
        AskAsync(overlay, new JobQuestion.Allot(job, overlay, allotment), Patience, reply => reply.Report);

    /// <summary>Tells the site of a job how its part in an overlay stands.</summary>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public Task HearAsync(OverlayJobOrder order, OverlayReport report) =>
        AskAsync(order.Site, new JobQuestion.Hear(order.Job, order.Overlay, report), Patience);

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public Task<OverlayTargetPage> ListTargetsAsync(
        string job, string overlay, IReadOnlyList<TargetState> states, int after, int limit)
    {
        limit = options.CurrentValue.Serves(overlay) ? limit : Math.Min(limit, LinkTargetsMax);
        return AskAsync(overlay, new JobQuestion.ListTargets(job, overlay, states, after, limit), Patience, reply => reply.Targets);
    }

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public Task<OverlayResultPage> ListResultsAsync(
        string job, string overlay, IReadOnlyList<TargetState> states, ulong after, int skip, int limit) =>
        AskAsync(overlay, new JobQuestion.ListResults(job, overlay, states, after, skip, limit), Patience, reply => reply.Results);

    private async Task<T> AskAsync<T>(string overlay, JobQuestion question, TimeSpan patience, Func<JobReply, T?> read)
        where T : class =>
        read(await AskAsync(options.CurrentValue.ServedBy(overlay), question, patience))
            ?? throw new SiteUnreachableException($"{overlay} answered something else");

    private Task<JobReply> AskAsync(string site, JobQuestion question, TimeSpan patience) => site == Here
        ? grains.AnswerAsync(Here, question)
        : link.AskAsync<JobQuestion, JobReply>(site, JobChannel.Name, question, patience, CancellationToken.None);
}

/// <summary>Answers what other sites ask about jobs.</summary>
internal sealed class JobChannel(IGrainFactory grains, IOptionsMonitor<OverlaysOptions> options) : ISiteChannel
{
    public const string Name = "jobs-v1";

    string ISiteChannel.Name => Name;

    public async Task<byte[]> AnswerAsync(string? asker, ReadOnlyMemory<byte> question, CancellationToken cancellationToken)
    {
        var asked = SiteJson.Read<JobQuestion>(question.Span);
        return JobId.IsValid(asked.Job) && options.CurrentValue.Members.ContainsKey(asked.Overlay)
            ? SiteJson.Write(await AnswerAsync(asker, asked))
            : throw new FormatException("it is about no job, or an overlay of another region");
    }

    private Task<JobReply> AnswerAsync(string? asker, JobQuestion question) => question switch
    {
        JobQuestion.Hear when asker is not null && options.CurrentValue.ServedBy(question.Overlay) != asker =>
            throw new FormatException($"{asker} speaks for {question.Overlay}, which it does not serve"),
        not JobQuestion.Hear when !options.CurrentValue.Serves(question.Overlay) =>
            throw new FormatException($"{question.Overlay} is not served here"),
        JobQuestion.Ordered { Order: var order } when order.Job != question.Job || order.Overlay != question.Overlay
            || (asker is not null && order.Site != asker) => throw new FormatException("it is for another part, or of another site"),
        _ => grains.AnswerAsync(asker, question),
    };
}

internal static class JobAnswers
{
    /// <summary>Has the grain that a question is for answer it. It is here: whoever calls has seen to that.</summary>
    /// <param name="grains">The grains of this site.</param>
    /// <param name="asker">The site that asks; null in a region whose sites have no keys.</param>
    /// <param name="question">What it asks.</param>
    public static async Task<JobReply> AnswerAsync(this IGrainFactory grains, string? asker, JobQuestion question)
    {
        var part = grains.GetOverlayJob(question.Job, question.Overlay);
        switch (question)
        {
            case JobQuestion.Prepare prepare:
                return new JobReply(await part.Prepare(prepare.Order));
            case JobQuestion.DryRun dryRun:
                return new JobReply(DryRun: await part.DryRun(dryRun.Order));
            case JobQuestion.Allot allot:
                return new JobReply(await part.Allot(asker, allot.Allotment));
            case JobQuestion.Hear hear:
                await grains.GetGrain<IInternalJobGrain>(hear.Job).Hear(hear.Overlay, hear.Report);
                return new JobReply();
            case JobQuestion.ListTargets list:
                return new JobReply(Targets: await part.ListTargets(list.States, list.After, list.Limit));
            case JobQuestion.ListResults list:
                return new JobReply(Results: await part.ListResults(list.States, list.After, list.Skip, list.Limit));
            default:
                throw new FormatException("it is no question that we know");
        }
    }
}
