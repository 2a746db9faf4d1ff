using System.Text.Json;
using ControlPlane.Store;

namespace ControlPlane.Jobs;

/// <summary>
/// Which schedules there are at this site, and how they stand: copies, from which they are woken. Not among the jobs that are known, which
/// are forgotten after a while.
/// </summary>
internal sealed class JobScheduleIndex(IRegister register)
{
    private const string Area = "job-schedules";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public Task WriteAsync(JobScheduleSummary schedule, CancellationToken cancellationToken) => register.WriteAsync(
        Area, schedule.Name, JsonSerializer.SerializeToUtf8Bytes(schedule, Json), expected: null, cancellationToken);

    public Task RemoveAsync(string name, CancellationToken cancellationToken) => register.RemoveAsync(Area, name, cancellationToken);

    public async Task<IReadOnlyList<JobScheduleSummary>> ListAsync(CancellationToken cancellationToken)
    {
        var found = await register.ListAsync(Area, cancellationToken)
            .Select(entry => JsonSerializer.Deserialize<JobScheduleSummary>(entry.Content.Span, Json)!).ToListAsync(cancellationToken);
        return [.. found.OrderBy(schedule => schedule.Name, StringComparer.Ordinal)];
    }
}
