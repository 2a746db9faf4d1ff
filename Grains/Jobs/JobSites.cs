using System.Text.Json.Serialization;
using ControlPlane.Placement;
using ControlPlane.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Jobs;

/// <summary>What one site asks another about a job. Each may be asked again.</summary>
[JsonDerivedType(typeof(Prepare), "prepare")]
[JsonDerivedType(typeof(Allot), "allot")]
[JsonDerivedType(typeof(Hear), "hear")]
[JsonDerivedType(typeof(ListTargets), "listTargets")]
[JsonDerivedType(typeof(ListResults), "listResults")]
internal abstract record JobQuestion(string Job, string Overlay)
{
    /// <summary>The site of a job asks an overlay to find its targets.</summary>
    public sealed record Prepare(string Job, string Overlay, OverlayJobOrder Order) : JobQuestion(Job, Overlay);

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
    OverlayReport? Report = null, OverlayTargetPage? Targets = null, OverlayResultPage? Results = null, bool IsKnown = false);

/// <summary>Reaches a job, and its parts, wherever they are.</summary>
internal sealed class JobSites(IGrainFactory grains, ISiteLink link, IOptionsMonitor<OverlaysOptions> options)
{
    /// <summary>A message of the link is at most a megabyte.</summary>
    private const int LinkTargetsMax = 2_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PreparePatience = TimeSpan.FromSeconds(70);

    public string Here => options.CurrentValue.Local;

    /// <summary>The overlays of the region.</summary>
    public IReadOnlyCollection<string> Overlays => options.CurrentValue.Members.Keys;

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public async Task<OverlayReport> PrepareAsync(OverlayJobOrder order)
    {
        if (Serves(order.Overlay))
        {
            return await grains.GetOverlayJob(order.Job, order.Overlay).Prepare(order);
        }

        var reply = await AskAsync(order.Overlay, new JobQuestion.Prepare(order.Job, order.Overlay, order), PreparePatience);
        return reply.Report ?? throw new SiteUnreachableException($"{order.Overlay} answered something else");
    }

    /// <exception cref="SiteUnreachableException">The overlay's site did not answer.</exception>
    public async Task<OverlayReport> AllotAsync(string job, string overlay, Allotment allotment)
    {
        if (Serves(overlay))
        {
            return await grains.GetOverlayJob(job, overlay).Allot(Here, allotment);
        }

        var reply = await AskAsync(overlay, new JobQuestion.Allot(job, overlay, allotment), Patience);
        return reply.Report ?? throw new SiteUnreachableException($"{overlay} answered something else");
    }

    /// <summary>Tells the site of a job how its part in an overlay stands.</summary>
    /// <returns>Whether the job is known there.</returns>
    /// <exception cref="SiteUnreachableException">It did not answer.</exception>
    public async Task<bool> HearAsync(OverlayJobOrder order, OverlayReport report)
    {
        if (order.Site == Here)
        {
            return await grains.GetGrain<IInternalJobGrain>(order.Job).Hear(order.Overlay, report);
        }

        var reply = await link.AskAsync<JobQuestion, JobReply>(
            order.Site, JobChannel.Name, new JobQuestion.Hear(order.Job, order.Overlay, report), Patience, CancellationToken.None);
        return reply.IsKnown;
    }

    /// <exception cref="OverlayUnreachableException">The overlay's site did not answer.</exception>
    public async Task<OverlayTargetPage> ListTargetsAsync(
        string job, string overlay, IReadOnlyList<TargetState> states, int after, int limit) => Serves(overlay)
            ? await grains.GetOverlayJob(job, overlay).ListTargets(states, after, limit)
            : await ListAsync(
                overlay,
                new JobQuestion.ListTargets(job, overlay, states, after, Math.Min(limit, LinkTargetsMax)),
                reply => reply.Targets);

    /// <exception cref="OverlayUnreachableException">The overlay's site did not answer.</exception>
    public async Task<OverlayResultPage> ListResultsAsync(
        string job, string overlay, IReadOnlyList<TargetState> states, ulong after, int skip, int limit) => Serves(overlay)
            ? await grains.GetOverlayJob(job, overlay).ListResults(states, after, skip, limit)
            : await ListAsync(overlay, new JobQuestion.ListResults(job, overlay, states, after, skip, limit), reply => reply.Results);

    private bool Serves(string overlay) => options.CurrentValue.Serves(overlay);

    private async Task<T> ListAsync<T>(string overlay, JobQuestion question, Func<JobReply, T?> read)
        where T : class
    {
        try
        {
            return read(await AskAsync(overlay, question, Patience))
                ?? throw new SiteUnreachableException($"{overlay} answered something else");
        }
        catch (SiteUnreachableException away)
        {
            throw new OverlayUnreachableException(away.Message, away);
        }
    }

    private Task<JobReply> AskAsync(string overlay, JobQuestion question, TimeSpan patience) => link.AskAsync<JobQuestion, JobReply>(
        options.CurrentValue.ServedBy(overlay), JobChannel.Name, question, patience, CancellationToken.None);
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

    private async Task<JobReply> AnswerAsync(string? asker, JobQuestion question)
    {
        if (question is JobQuestion.Hear hear)
        {
            return asker is null || options.CurrentValue.ServedBy(hear.Overlay) == asker
                ? new JobReply(IsKnown: await grains.GetGrain<IInternalJobGrain>(hear.Job).Hear(hear.Overlay, hear.Report))
                : throw new FormatException($"{asker} speaks for {hear.Overlay}, which it does not serve");
        }

        if (!options.CurrentValue.Serves(question.Overlay))
        {
            throw new FormatException($"{question.Overlay} is not served here");
        }

        var part = grains.GetOverlayJob(question.Job, question.Overlay);
        return question switch
        {
            JobQuestion.Prepare { Order: var order } when order.Job != question.Job || order.Overlay != question.Overlay
                || (asker is not null && order.Site != asker) => throw new FormatException("it is for another part, or of another site"),
            JobQuestion.Prepare { Order: var order } => new JobReply(await part.Prepare(order)),
            JobQuestion.Allot { Allotment: var allotment } => new JobReply(await part.Allot(asker, allotment)),
            JobQuestion.ListTargets list => new JobReply(Targets: await part.ListTargets(list.States, list.After, list.Limit)),
            JobQuestion.ListResults list => new JobReply(Results: await part.ListResults(list.States, list.After, list.Skip, list.Limit)),
            _ => throw new FormatException("it is no question that we know"),
        };
    }
}
