using System.Globalization;
using System.Text.Json;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Jobs;

/// <summary>
/// Which jobs there are at this site, in registers of its brokers: those that are unfinished and their parts, for as long as they take, in
/// the one that forgets nothing with time; those that have ended by day, in the one that does.
/// </summary>
internal sealed class JobIndex(
    IRegister unfinished, [FromKeyedServices(Registers.Jobs)] IRegister ended, TimeProvider time)
{
    /// <summary>Whoever goes on with a job or a part writes it again after this: a register that is full has lost it.</summary>
    public static readonly TimeSpan RewriteInterval = TimeSpan.FromHours(1);

    private const string Jobs = "jobs-unfinished";
    private const string Parts = "job-parts-unfinished";
    private const int DaysMax = 366;

    /// <summary>After so many days without a job, none before is kept any more.</summary>
    private const int EmptyDaysMax = 14;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>How many jobs were unfinished when that was last looked at.</summary>
    public int UnfinishedCount { get; private set; }

    /// <summary>How a job stands that is unfinished: it is woken, and listed.</summary>
    public Task WriteUnfinishedAsync(JobSummary job, CancellationToken cancellationToken) =>
        unfinished.WriteAsync(Jobs, job.Id, BytesOf(job), expected: null, cancellationToken);

    /// <summary>How a job stands that is finished: it is listed for a while, and woken no more.</summary>
    public async Task WriteEndedAsync(JobSummary job, CancellationToken cancellationToken)
    {
        await ended.WriteAsync(DayOf(job.SubmittedAt), job.Id, BytesOf(job), expected: null, cancellationToken);
        await RemoveUnfinishedAsync(job.Id, cancellationToken);
    }

    public Task RemoveUnfinishedAsync(string job, CancellationToken cancellationToken) =>
        unfinished.RemoveAsync(Jobs, job, cancellationToken);

    public Task WriteUnfinishedPartAsync(string part, CancellationToken cancellationToken) =>
        unfinished.WriteAsync(Parts, part, "{}"u8.ToArray(), expected: null, cancellationToken);

    public Task RemoveUnfinishedPartAsync(string part, CancellationToken cancellationToken) =>
        unfinished.RemoveAsync(Parts, part, cancellationToken);

    public async Task<IReadOnlyList<string>> ListUnfinishedAsync(CancellationToken cancellationToken)
    {
        var jobs = await unfinished.ListAsync(Jobs, cancellationToken).Select(entry => entry.Key).ToListAsync(cancellationToken);
        UnfinishedCount = jobs.Count;
        return jobs;
    }

    public async Task<IReadOnlyList<string>> ListUnfinishedPartsAsync(CancellationToken cancellationToken) =>
        await unfinished.ListAsync(Parts, cancellationToken).Select(entry => entry.Key).ToListAsync(cancellationToken);

    /// <summary>Jobs, newest first.</summary>
    public async Task<IReadOnlyList<JobSummary>> ListAsync(Func<JobSummary, bool> wanted, int limit, CancellationToken cancellationToken)
    {
        // One that was ended and goes on is in both.
        var found = (await ReadAsync(unfinished, Jobs, cancellationToken)).ToDictionary(job => job.Id, StringComparer.Ordinal);
        var (today, ofDays) = (time.GetUtcNow(), 0);
        for (var (day, empty) = (0, 0); day < DaysMax && empty < EmptyDaysMax && ofDays < limit; day++)
        {
            var ofDay = await ReadAsync(ended, DayOf(today.AddDays(-day)), cancellationToken);
            empty = ofDay.Count == 0 ? empty + 1 : 0;
            ofDays += ofDay.Count(job => found.TryAdd(job.Id, job) && wanted(job));
        }

        return [.. found.Values.Where(wanted).OrderByDescending(job => job.SubmittedAt).Take(limit)];
    }

    private static async Task<IReadOnlyList<JobSummary>> ReadAsync(IRegister register, string area, CancellationToken cancellationToken) =>
        await register.ListAsync(area, cancellationToken)
            .Select(entry => JsonSerializer.Deserialize<JobSummary>(entry.Content.Span, Json)!).ToListAsync(cancellationToken);

    private static byte[] BytesOf(JobSummary job) => JsonSerializer.SerializeToUtf8Bytes(job, Json);

    private static string DayOf(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
