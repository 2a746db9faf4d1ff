using System.Globalization;
using System.Text.Json;
using ControlPlane.Store;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Jobs;

/// <summary>
/// Which jobs there are at this site, in a register of its brokers: those that are unfinished, and all that are kept by day.
/// </summary>
internal sealed class JobIndex([FromKeyedServices(Registers.Jobs)] IRegister register, TimeProvider time)
{
    private const string Unfinished = "unfinished";
    private const string UnfinishedParts = "unfinished-parts";
    private const int DaysMax = 366;

    /// <summary>After so many days without a job, none before is kept any more.</summary>
    private const int EmptyDaysMax = 14;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>How many jobs were unfinished when that was last looked at.</summary>
    public int UnfinishedCount { get; private set; }

    public Task AddUnfinishedAsync(string job, CancellationToken cancellationToken) => AddAsync(Unfinished, job, cancellationToken);

    public Task RemoveUnfinishedAsync(string job, CancellationToken cancellationToken) =>
        register.RemoveAsync(Unfinished, job, cancellationToken);

    public Task AddUnfinishedPartAsync(string part, CancellationToken cancellationToken) =>
        AddAsync(UnfinishedParts, part, cancellationToken);

    public Task RemoveUnfinishedPartAsync(string part, CancellationToken cancellationToken) =>
        register.RemoveAsync(UnfinishedParts, part, cancellationToken);

    public async Task<IReadOnlyList<string>> ListUnfinishedAsync(CancellationToken cancellationToken)
    {
        var jobs = await register.ListAsync(Unfinished, cancellationToken).Select(entry => entry.Key).ToListAsync(cancellationToken);
        UnfinishedCount = jobs.Count;
        return jobs;
    }

    public async Task<IReadOnlyList<string>> ListUnfinishedPartsAsync(CancellationToken cancellationToken) =>
        await register.ListAsync(UnfinishedParts, cancellationToken).Select(entry => entry.Key).ToListAsync(cancellationToken);

    /// <summary>How a job stands, for lists.</summary>
    public Task WriteAsync(JobSummary job, CancellationToken cancellationToken) => register.WriteAsync(
        DayOf(job.SubmittedAt), job.Id, JsonSerializer.SerializeToUtf8Bytes(job, Json), expected: null, cancellationToken);

    /// <summary>Jobs, newest first.</summary>
    public async Task<IReadOnlyList<JobSummary>> ListAsync(Func<JobSummary, bool> wanted, int limit, CancellationToken cancellationToken)
    {
        var found = new List<JobSummary>();
        var today = time.GetUtcNow();
        for (var (day, empty) = (0, 0); day < DaysMax && empty < EmptyDaysMax && found.Count < limit; day++)
        {
            var ofDay = await register.ListAsync(DayOf(today.AddDays(-day)), cancellationToken)
                .Select(entry => JsonSerializer.Deserialize<JobSummary>(entry.Content.Span, Json)!).ToListAsync(cancellationToken);
            empty = ofDay.Count == 0 ? empty + 1 : 0;
            found.AddRange(ofDay.Where(wanted).OrderByDescending(job => job.SubmittedAt));
        }

        return [.. found.Take(limit)];
    }

    private Task<ulong> AddAsync(string area, string key, CancellationToken cancellationToken) =>
        register.WriteAsync(area, key, "{}"u8.ToArray(), expected: null, cancellationToken);

    private static string DayOf(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
