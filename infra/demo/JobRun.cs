using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace ControlPlane.Demo;

/// <summary>Runs a job over the enrolled fleet, a canary first, and says what came of it.</summary>
internal sealed class JobRun(IDemoDisplay display, TimeProvider time, HttpClient api)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string[] Bad = ["failed", "timedOut"];

    /// <returns>How many faults there are; each was said.</returns>
    public async Task<int> RunAsync(int nodes, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        using var submitted = await api.PostAsJsonAsync(
            "/v1/jobs",
            new
            {
                agent = "rpcutil",
                action = "ping",
                targets = new { all = true, seed = 1 },
                reason = "the demo's job",
                stages = new object[] { new { name = "canary", size = "5%" }, new { name = "rest", size = "100%" } },
                thresholds = new object[] { new { scope = "stage", states = Bad, percent = 3, then = "pause" } },
            },
            cancellationToken);
        var job = await submitted.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        if (!submitted.IsSuccessStatusCode)
        {
            display.Say($"fault: the job was refused: {job}");
            return 1;
        }

        var id = job.GetProperty("id").GetString()!;
        display.Say($"job {id}: rpcutil#ping on {nodes} nodes, a canary of 5% first");
        while (!IsEnded(job) && time.GetElapsedTime(began) < Patience)
        {
            var newer = string.Create(CultureInfo.InvariantCulture, $"wait=5s&after={job.GetProperty("version").GetInt32()}");
            job = await api.GetFromJsonAsync<JsonElement>($"/v1/jobs/{id}?{newer}", cancellationToken);
        }

        var seconds = time.GetElapsedTime(began).TotalSeconds;
        var succeeded = job.GetProperty("counts").GetProperty("succeeded").GetInt32();
        var stages = string.Join(", ", job.GetProperty("stages").EnumerateArray().Select(
            stage => $"{stage.GetProperty("name").GetString()} {stage.GetProperty("counts").GetProperty("succeeded").GetInt32()}"));
        display.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"job {id} {job.GetProperty("state").GetString()}: {succeeded}/{nodes} succeeded ({stages}) in {seconds:0.0} s; controlplane job show {id}"));
        if (job.GetProperty("state").GetString() == "completed" && succeeded == nodes)
        {
            return 0;
        }

        display.Say($"fault: the job did not succeed on all nodes: {job.GetProperty("counts")} {job.GetProperty("reason").GetString()}");
        return 1;
    }

    private static bool IsEnded(JsonElement job) =>
        job.GetProperty("state").GetString() is "completed" or "aborted" or "failed" or "paused";
}
